//! Preambles inside TLS, by the sizes of their commands.

use crate::hidden::{Alike, Preamble};

/// Knows that of one service's connections to one server.
pub(super) fn preamble() -> Box<dyn Preamble> {
    Box::new(Resp::default())
}

/// Which commands of a preamble were met: each can come so often and no more. Lengths are those of RESP arrays:
/// `*2 $6 SELECT $1 0` has 23 bytes.
#[derive(Debug, Default)]
struct Resp {
    hello: bool,
    select: bool,
    ping: bool,
    info: bool,
    maintenance: bool,
    library: u8,
}

impl Preamble for Resp {
    fn take(&mut self, one: &Alike) -> bool {
        let answer = |from: u64, to: u64| one.smallest >= from && one.largest <= to;
        // `+OK`, or an error of a server that does not know the command.
        let refused = |least: u64| answer(least, least) || answer(30, 400);
        let once = |flag: &mut bool| !std::mem::replace(flag, true);
        match one.request {
            // HELLO 3: a map of what the server is.
            22 if answer(60, 1024) => once(&mut self.hello),
            23 | 24 if answer(5, 5) => once(&mut self.select),
            14 if answer(7, 7) => once(&mut self.ping),
            // INFO, the ready check of ioredis.
            14 if one.smallest > 512 => once(&mut self.info),
            // CLIENT SETINFO LIB-NAME or LIB-VER, a round trip each.
            49..=90 if refused(5) && self.library < 2 => {
                self.library += 1;
                true
            }
            // CLIENT MAINT_NOTIFICATIONS.
            91..=130 if refused(5) => once(&mut self.maintenance),
            // Both CLIENT SETINFO together, perhaps with SELECT.
            98..=260 if (answer(10, 10) || answer(15, 15) || answer(60, 800)) && self.library == 0 => {
                self.library = 2;
                true
            }
            _ => false,
        }
    }
}
