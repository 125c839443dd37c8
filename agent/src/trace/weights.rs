//! How often exchanges count that stand for others which were left out unseen.

use wirespan_protocols::exchange::Exchange;

/// Makes whole numbers of weights: what is cut from one is added to the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weights {
    carry: f64,
}

impl Weights {
    /// How often an exchange counts: in the long run for as many as it stands for.
    pub fn times(&mut self, exchange: &Exchange) -> u64 {
        if exchange.request.rejected == 0 && self.carry == 0.0 {
            return 1;
        }
        let exact = exchange.weight() + self.carry;
        self.carry = exact.fract();
        exact as u64
    }
}
