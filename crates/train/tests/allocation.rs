//! After the first steps of a fixed batch size, training takes no tensor memory from the system: buffers go round.
//! Alone in its file, because the count is the process's.

mod common;

use common::{Bars, network, trainer};
use std::ops::ControlFlow;
use taper_tensor::allocation_count;
use taper_train::prelude::*;

#[derive(Default)]
struct Count(Vec<u64>);
impl Callback for Count {
    fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
        if let Event::BatchEnded { .. } = event {
            self.0.push(allocation_count());
        }
        ControlFlow::Continue(())
    }
}

/// One thread: with several, a worker that gets its first share of some work late takes its working memory late.
#[test]
fn a_training_step_allocates_no_tensor_memory() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(steps_allocate_nothing);
}

fn steps_allocate_nothing() {
    let (data, mut model, mut count) = (Bars::new(16 * 40, 1), network(), Count::default());
    trainer()
        .epochs(2)
        .callback(&mut count)
        .fit(&mut model, &data)
        .unwrap();
    let Count(counts) = count;
    assert_eq!(counts.len(), 80);
    assert!(counts[0] > 0);
    assert_eq!(
        counts[2], counts[79],
        "allocations after each step: {counts:?}"
    );
}
