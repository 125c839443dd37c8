//! The thread `ws-containers`.

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::facts::News;
use super::knowledge::Knowledge;
use super::runtimes::Runtimes;
use super::{Answer, Question, Said, Settings};
use crate::enrich::kubernetes;
use crate::process::container::Placement;

/// Most news that may wait; whoever brings more pauses.
const NEWS: usize = 256;
/// Most containers that may wait to be asked about. Beyond it Kubernetes may still know them.
const TO_ASK: usize = 4096;

/// Runs until the main loop is gone.
pub(super) fn run(settings: Settings, asked: Receiver<Question>, told: Sender<Answer>, said: Said) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return said.failed("runtime", &format!("containers are not named: {error}")),
    };
    runtime.block_on(async {
        let (news, learnt) = channel(NEWS);
        let (to_ask, wanted) = channel(TO_ASK);
        let Settings { runtimes, sockets, kubernetes } = settings;
        let runtimes = async {
            if runtimes {
                Runtimes::new(&sockets).serve(wanted, news.clone(), &said).await;
            }
        };
        let sources = async {
            tokio::join!(kubernetes::follow(kubernetes, news.clone(), &said), runtimes);
            // Nobody else has news: the main loop is still to be heard.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = sources => {}
            () = learn(asked, learnt, told, to_ask, &said) => {}
        }
    });
}

/// Puts together what comes until the main loop is gone.
async fn learn(
    mut asked: Receiver<Question>,
    mut learnt: Receiver<News>,
    told: Sender<Answer>,
    to_ask: Sender<Placement>,
    said: &Said,
) {
    let mut knowledge = Knowledge::default();
    loop {
        tokio::select! {
            question = asked.recv() => match question {
                Some(Question::Entered(placement)) => {
                    // Full, or no runtime is asked.
                    let _ = to_ask.try_send(placement.clone());
                    knowledge.entered(placement);
                }
                Some(Question::Left(id)) => knowledge.left(&id),
                None => return,
            },
            news = learnt.recv() => match news {
                Some(News::Claims(claims)) => {
                    if told.send(Answer::Claims(claims)).await.is_err() {
                        return;
                    }
                }
                Some(news) => knowledge.learn(news),
                None => return,
            },
        }
        while let Some(described) = knowledge.told() {
            if told.send(Answer::Described(described)).await.is_err() {
                return;
            }
        }
        if knowledge.refused > 0 {
            said.once("pods", "more pods or namespaces than are kept: some processes are not named by Kubernetes");
        }
    }
}
