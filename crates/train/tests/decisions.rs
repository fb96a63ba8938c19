//! Callbacks that set the learning rate and remember: what they decided is part of a checkpoint, so that a run that is
//! killed after any batch and resumed ends with the same bits.

mod common;

use common::{Bars, moments, network, timeless, weights};
use std::ops::ControlFlow;
use taper_train::prelude::*;

/// Halves the learning rate, batch by batch, while the gradients' norm is above what it usually is, and remembers what
/// that was.
#[derive(Default)]
struct Careful {
    usual: f64,
    seen: Vec<f64>,
}

impl Callback for Careful {
    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        match event {
            Event::TrainingStarted { .. } => self.usual = 0.0,
            Event::BatchEnded { .. } => {
                let norm = view.gradient_norm().unwrap();
                self.seen.push(norm);
                if norm > self.usual {
                    view.set_learning_rate(Some(view.learning_rate() * 0.5));
                } else if norm < 0.7 * self.usual {
                    view.set_learning_rate(None);
                }
                self.usual = 0.75 * self.usual + 0.25 * norm;
            }
            _ => assert!(view.gradient_norms().is_none()),
        }
        ControlFlow::Continue(())
    }
    fn wants_gradient_norms(&self) -> bool {
        true
    }
    fn state(&self) -> Option<String> {
        Some(format!("{:016x}", self.usual.to_bits()))
    }
    fn restore(&mut self, state: &str) -> taper_train::Result<()> {
        let bits = u64::from_str_radix(state, 16);
        self.usual = f64::from_bits(bits.map_err(|error| Error::Other(error.to_string()))?);
        Ok(())
    }
}

/// The bytes of a checkpoint at every event of every batch and epoch, as if the process had died there.
#[derive(Default)]
struct Record(Vec<Vec<u8>>);
impl Callback for Record {
    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        if let Event::BatchEnded { .. } | Event::ValidationStarted { .. } | Event::EpochEnded(_) =
            event
        {
            self.0.push(view.checkpoint().to_bytes().unwrap());
        }
        ControlFlow::Continue(())
    }
}

/// Gives up quickly.
fn plateau() -> ReduceLROnPlateau {
    ReduceLROnPlateau::on("val_loss")
        .factor(0.25)
        .patience(1)
        .min_delta(0.4)
        .cooldown(1)
}

fn trainer<'a>(validation: &'a Bars) -> Trainer<'a> {
    common::trainer().epochs(5).validation(validation)
}

/// Of a run with the callbacks that `with` adds: killed anywhere it ends as it does uninterrupted.
fn killed_anywhere(with: for<'a> fn(Trainer<'a>) -> Trainer<'a>) -> Fit {
    let (data, validation) = (Bars::new(50, 1), Bars::new(20, 2));
    let (mut whole, mut record) = (network(), Record::default());
    // The one that saves comes first, and yet sees what the others decide.
    let recorded = trainer(&validation).callback(&mut record);
    let reference = with(recorded).fit(&mut whole, &data).unwrap();
    assert_eq!(record.0.len(), 5 * (4 + 1 + 1));
    for bytes in &record.0 {
        let checkpoint = Checkpoint::from_bytes(bytes).unwrap();
        let mut rest = with(trainer(&validation)).resume(&checkpoint).unwrap();
        let mut model = checkpoint.into_model().unwrap();
        let fit = rest.fit(&mut model, &data).unwrap();
        assert_eq!(weights(&model), weights(&whole));
        assert_eq!(moments(&fit), moments(&reference));
        assert_eq!(timeless(&fit), timeless(&reference));
        assert_eq!(fit.position.progress, reference.position.progress);
    }
    reference
}

#[test]
fn a_plateau_lowers_the_learning_rate_over_any_resume() {
    let fit = killed_anywhere(|trainer| trainer.callback(plateau()));
    let rates = fit.get("learning_rate");
    assert_eq!(rates[0], 0.01);
    assert!(rates[4] < 0.01, "{rates:?}");
}

#[test]
fn decisions_within_an_epoch_survive_any_resume() {
    let fit = killed_anywhere(|trainer| {
        trainer
            .callback(Careful::default())
            .callback(plateau())
            .callback(plateau().min_delta(10.0))
    });
    assert!(fit.position.progress.contains("Careful"));
    let rates = fit.get("learning_rate");
    assert!(rates.iter().any(|rate| *rate != rates[0]), "{rates:?}");
}

/// Keras's algorithm, epoch by epoch, on a figure that is given.
#[test]
fn a_plateau_is_what_keras_takes_for_one() {
    /// A metric with values of one's own.
    #[derive(Debug)]
    struct Given(&'static [f64], std::sync::atomic::AtomicUsize);
    impl Metric for Given {
        fn name(&self) -> String {
            "given".into()
        }
        fn mode(&self) -> Mode {
            Mode::Min
        }
        fn sums(&self, _: &[usize], _: &[usize]) -> taper_train::Result<usize> {
            Ok(1)
        }
        fn add(
            &self,
            sums: &mut [f64],
            _: &Tensor,
            _: &Tensor,
            _: Option<&Tensor>,
        ) -> taper_train::Result<()> {
            let epoch = self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            sums[0] = self.0[epoch];
            Ok(())
        }
        fn value(&self, sums: &[f64]) -> f64 {
            sums[0]
        }
    }
    let rates = |values: &'static [f64], plateau: ReduceLROnPlateau| {
        let data = Bars::new(16, 1);
        let given = Given(values, Default::default());
        let trainer = Trainer::new(SGD::new(1.0 / 1024.0), CategoricalCrossentropy)
            .epochs(values.len() as u64)
            .metric(given)
            .callback(plateau);
        let fit = { trainer }.fit(&mut network(), &data).unwrap();
        let rates = fit.get("learning_rate");
        rates.iter().map(|rate| rate * 1024.0).collect::<Vec<_>>()
    };
    let on = || ReduceLROnPlateau::on("given").factor(0.5).patience(2);
    // Two epochs without improvement, and the next one has the lower rate.
    assert_eq!(
        rates(&[2.0, 3.0, 3.0, 3.0, 3.0, 1.0], on()),
        [1.0, 1.0, 1.0, 0.5, 0.5, 0.25]
    );
    // Two epochs of cooling, the first of which passes before anything is counted again.
    assert_eq!(
        rates(&[2.0; 8], on().cooldown(2)),
        [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    );
    // Improvements by less than min_delta do not count; there is a lowest rate.
    assert_eq!(
        rates(
            &[2.0, 1.9999, 1.9998, 1.9997, 1.9996, 1.0],
            on().min_delta(0.1).min_lr(0.75 / 1024.0)
        ),
        [1.0, 1.0, 1.0, 0.75, 0.75, 0.75]
    );
    // A NaN is no improvement.
    assert_eq!(
        rates(&[f64::NAN, f64::NAN, 2.0, 2.0], on()),
        [1.0, 1.0, 0.5, 0.5]
    );
}

#[test]
fn what_cannot_be_is_refused() {
    struct Set(f64);
    impl Callback for Set {
        fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
            if let Event::TrainingStarted { .. } = event {
                view.set_learning_rate(Some(self.0));
            }
            ControlFlow::Continue(())
        }
    }
    let data = Bars::new(20, 1);
    let refused = |trainer: Trainer<'_>, words: &str| {
        let mut model = network();
        let before = weights(&model);
        let error = { trainer }.fit(&mut model, &data).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(weights(&model), before);
    };
    refused(
        common::trainer().callback(Set(f64::NAN)),
        "learning rate to NaN",
    );
    refused(common::trainer().callback(Set(-1.0)), "learning rate to -1");
    let plateau = || ReduceLROnPlateau::on("loss");
    refused(
        common::trainer().callback(plateau().factor(1.0)),
        "factor is 1.0",
    );
    refused(
        common::trainer().callback(plateau().min_lr(f64::NAN)),
        "min_lr is NaN",
    );
    refused(
        common::trainer().callback(ReduceLROnPlateau::on("val_loss")),
        "not measured",
    );

    let checkpoint = {
        let fit = common::trainer().epochs(1).callback(Careful::default());
        let mut model = network();
        let fit = { fit }.fit(&mut model, &data).unwrap();
        let mut checkpoint = fit.checkpoint(&model);
        let position = checkpoint.position.as_mut().unwrap();
        position.progress = position
            .progress
            .replace("[\"Careful\",\"", "[\"Careful\",\"?");
        checkpoint
    };
    let resumed = common::trainer()
        .callback(Careful::default())
        .resume(&checkpoint)
        .unwrap();
    refused(resumed, "the state of Careful");
}

/// Norms are those of the gradients that the optimizer gets; without a callback that wants them there are none.
#[test]
fn norms_are_seen_by_those_who_ask() {
    struct Look(bool);
    impl Callback for Look {
        fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
            if let Event::BatchEnded { .. } = event {
                assert_eq!(view.gradient_norms().is_some(), self.0);
            }
            ControlFlow::Continue(())
        }
        fn wants_gradient_norms(&self) -> bool {
            self.0
        }
    }
    let data = Bars::new(16, 1);
    for wanted in [true, false] {
        common::trainer()
            .callback(Look(wanted))
            .fit(&mut network(), &data)
            .unwrap();
    }
    // One step of plain SGD without penalties moves the weights by rate · gradient.
    let build = || {
        let model = Sequential::new([8, 8, 1])
            .add(Flatten)
            .add(Dense::new(3).activation(Softmax));
        model.build(Seed(3)).unwrap()
    };
    let (before, mut model, mut seen) = (build(), build(), Careful::default());
    let rate = 0.125;
    Trainer::new(SGD::new(rate), CategoricalCrossentropy)
        .callback(&mut seen)
        .fit(&mut model, &data)
        .unwrap();
    let pairs = before.parameters().iter().zip(model.parameters());
    let moved: f64 = pairs
        .map(|(a, b)| {
            f64::from(
                a.value
                    .sub(&b.value)
                    .unwrap()
                    .square()
                    .sum()
                    .item()
                    .unwrap(),
            )
        })
        .sum();
    let wanted = moved.sqrt() / rate;
    assert!(
        (seen.seen[0] - wanted).abs() <= 1e-4 * wanted,
        "{:?}, {wanted}",
        seen.seen
    );
}
