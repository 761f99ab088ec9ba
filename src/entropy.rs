//! The machine's randomness for ids and tokens.

use kluis_core::kernel::Entropy;
use ring::rand::{SecureRandom, SystemRandom};

/// The system's generator, through ring.
#[derive(Debug, Clone)]
pub struct SystemEntropy(SystemRandom);

impl Default for SystemEntropy {
    fn default() -> Self {
        Self(SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    /// Ends the process when the system gives no randomness: going on would mean tokens that can be guessed.
    fn fill(&self, bytes: &mut [u8]) {
        if self.0.fill(bytes).is_err() {
            tracing::error!("the system gives no randomness");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_draws_are_alike() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        SystemEntropy::default().fill(&mut one);
        SystemEntropy::default().fill(&mut two);
        assert_ne!(one, two);
        assert_ne!(one, [0; 32]);
    }
}
