//! Imports, from the bytes of a file to the customers.

mod sample;
