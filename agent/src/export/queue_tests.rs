use super::*;
use crate::export::testing::{resource, server_span};

fn span() -> Span {
    server_span(&resource("shop"))
}

fn queue(max_queue: usize, max_bytes: usize) -> (Queue, Arc<Counts>) {
    let counts = Arc::<Counts>::default();
    let batching = Batching { max_queue, max_bytes, max_batch: 512, delay: Duration::ZERO };
    (Queue::new(batching, Arc::clone(&counts)), counts)
}

fn large(bytes: usize) -> Span {
    let text: std::sync::Arc<str> = "x".repeat(bytes).into();
    Span { attributes: vec![("db.query.text", Value::Shared(text))], ..span() }
}

#[test]
fn what_waits_is_bounded_by_its_memory() {
    let (queue, counts) = queue(64 * 1024, 1 << 20);
    for _ in 0..1000 {
        queue.offer(vec![large(8 * 1024), large(8 * 1024)]);
    }
    let items = queue.lock().items.len();
    let bytes = queue.lock().bytes;
    assert!(bytes <= 1 << 20 && bytes > 1_000_000, "{bytes}");
    assert!((100..=128).contains(&items), "{items}");
    assert_eq!(counts.snapshot().queue_full + items as u64, 2000);
    assert_eq!(queue.clear(), items as u64);
    assert_eq!(queue.lock().bytes, 0);
}

#[test]
fn small_spans_are_bounded_by_their_number() {
    let (queue, counts) = queue(100, 1 << 20);
    assert_eq!(queue.offer((0..150).map(|_| span()).collect()), 100);
    assert_eq!(counts.snapshot().queue_full, 50);
}

/// A span of which nobody would say anything.
fn ordinary() -> Span {
    Span { status: Status::Unset, end_unix_ns: 1_000_000, start_unix_ns: 0, ..span() }
}

#[test]
fn what_failed_or_was_slow_finds_room_where_others_do_not() {
    let (queue, counts) = queue(100, 1 << 20);
    assert_eq!(queue.offer((0..150).map(|_| ordinary()).collect()), 75);
    let failed = Span { status: Status::Error("500".into()), ..ordinary() };
    let slow = Span { end_unix_ns: SLOW_NS, ..ordinary() };
    assert_eq!(queue.offer(vec![ordinary(), failed.clone(), slow, ordinary()]), 2);
    assert_eq!(queue.offer(vec![failed; 50]), 23);
    assert_eq!(counts.snapshot().queue_full, 75 + 2 + 27);
}

#[tokio::test]
async fn batches_are_bounded_too_and_nothing_is_lost() {
    let (queue, counts) = queue(64 * 1024, 64 << 20);
    assert_eq!(queue.offer((0..1000).map(|_| large(16 * 1024)).collect()), 1000);
    // One that is larger than a batch.
    assert_eq!(queue.offer(vec![large(3 << 20)]), 1);
    queue.close();
    let mut sizes = Vec::new();
    while let Some(batch) = queue.next().await {
        let bytes: usize = batch.iter().map(Item::bytes).sum();
        assert!(bytes < BATCH_BYTES + (3 << 20) + 4096, "{bytes}");
        sizes.push(batch.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 1001);
    assert!(sizes.len() >= 16, "{sizes:?}");
    assert_eq!((queue.lock().bytes, counts.snapshot().queue_full), (0, 0));
    assert!(queue.lock().items.capacity() == 0, "what much waiting needed is given back");
}
