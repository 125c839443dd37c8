//! Command tags that cannot be those of their statements.
//!
//! After a loss they tell that a response was paired with another request. But there are servers that say `OK`, or
//! `INSERT`, to whatever was asked: one that says the same again and again, whatever is asked, says nothing.

/// Times that the same tag must be wrong.
const ENOUGH: u32 = 4;

/// What was odd about the tags so far.
#[derive(Debug, Default)]
pub(super) struct Oddity {
    tag: Box<str>,
    times: u32,
}

impl Oddity {
    /// A tag was wrong, which nothing else but the server can be the cause of.
    pub fn certain(&mut self) {
        self.times = ENOUGH;
    }

    /// A tag was wrong: whether that tells nothing.
    pub fn wrong(&mut self, tag: &str) -> bool {
        if self.times >= ENOUGH {
            return true;
        }
        if *self.tag == *tag {
            self.times += 1;
        } else {
            (self.tag, self.times) = (tag.into(), 1);
        }
        self.times >= ENOUGH
    }

    /// A tag was right.
    pub fn right(&mut self, tag: &str) {
        if self.times < ENOUGH && *self.tag != *tag {
            self.times = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_wrong_tag_again_and_again() {
        let mut oddity = Oddity::default();
        assert!(!oddity.wrong("INSERT") && !oddity.wrong("INSERT") && !oddity.wrong("UPDATE"));
        assert!(!oddity.wrong("INSERT") && !oddity.wrong("INSERT"));
        // It is right by chance.
        oddity.right("INSERT");
        assert!(!oddity.wrong("INSERT") && oddity.wrong("INSERT") && oddity.wrong("SELECT"));
        let mut oddity = Oddity::default();
        for _ in 0..10 {
            assert!(!oddity.wrong("INSERT") && !oddity.wrong("INSERT"));
            oddity.right("SELECT");
        }
    }
}
