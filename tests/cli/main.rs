//! The command line as people meet it: the real binary, its exit codes and what it leaves on the disk.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod demonstration;
#[cfg(test)]
mod document;
#[cfg(test)]
mod erasures;
#[cfg(test)]
mod importing;
#[cfg(test)]
mod installation;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod program;
#[cfg(test)]
mod shares;
#[cfg(all(test, feature = "vault-transit"))]
mod stand_in;
#[cfg(all(test, feature = "vault-transit"))]
mod transit;
