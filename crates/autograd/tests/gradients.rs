//! Every operation's gradient against central differences, in f64, on random shapes and values.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use taper_autograd::gradcheck::{self, Sample, Sampler, Spec};
use taper_autograd::{Op, Var, ops};
use taper_tensor::{Element, Result, Tensor};

const TOLERANCE: f64 = 1e-6;

#[test]
fn every_operation_has_the_gradient_of_its_values() {
    for spec in ops::all() {
        let mut runner = TestRunner::new(Config {
            cases: 48,
            failure_persistence: None,
            ..Config::default()
        });
        let outcome = runner.run(&any::<u64>(), |seed| {
            let mut sampler = Sampler::new(seed, 0);
            let sample = (spec.sample)(&mut sampler);
            let result = gradcheck::check(&sample, &mut sampler);
            prop_assert!(
                result.worst <= TOLERANCE,
                "{}: error {:e} at {}",
                spec.name,
                result.worst,
                result.description
            );
            prop_assert!(
                result.coordinates > 0,
                "{}: nothing was compared",
                spec.name
            );
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{}: {error}", spec.name);
        }
    }
}

/// Of the operations that have them; the others say that they have none, and are listed.
#[test]
fn second_derivatives_agree_with_differences() {
    let without = ops::without_second_derivatives();
    for (name, _) in without {
        assert!(
            ops::all().iter().any(|spec| spec.name == *name),
            "{name} is no operation"
        );
    }
    for spec in ops::all() {
        let report = gradcheck::run_twice(spec, 24, 11);
        if without.iter().any(|(name, _)| *name == spec.name) {
            let told = report
                .description
                .contains("cannot be differentiated again");
            assert!(
                told,
                "{} is listed as without: {}",
                spec.name, report.description
            );
        } else {
            assert!(
                report.worst <= TOLERANCE,
                "{}: error {:e} at {}",
                spec.name,
                report.worst,
                report.description
            );
        }
    }
}

/// x², with a gradient of the caller's choice.
struct WrongSquare<E: Element> {
    x: Tensor<E>,
    slope: f64,
}

impl<E: Element> Op<E> for WrongSquare<E> {
    fn name(&self) -> &'static str {
        "wrong_square"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(vec![Some(
            gradient.mul(&self.x)?.scale(E::from_f64(self.slope)),
        )])
    }
}

fn square(x: &Var<f64>, slope: f64) -> Result<Var<f64>> {
    x.tape().record(&[x], x.value().square(), || WrongSquare {
        x: x.value().clone(),
        slope,
    })
}

fn report_of(slope: fn() -> f64) -> gradcheck::Report {
    let sample = move |s: &mut Sampler| {
        Sample::new(move |v| square(&v[0], slope())).input("x", s.away_from_zero(&[3]))
    };
    gradcheck::run_samples("square", sample, 5, 1)
}

#[test]
fn the_check_finds_wrong_gradients() {
    assert!(report_of(|| 2.0).worst <= TOLERANCE);
    assert!(report_of(|| 2.001).worst > 1e-4);
    assert!(report_of(|| 0.0).worst > 0.1);
    assert_eq!(report_of(|| f64::NAN).worst, f64::INFINITY);
}

#[test]
fn the_check_reports_a_failing_sample_as_infinitely_wrong() {
    let spec = Spec {
        name: "mismatch",
        formula: "[2] · [3]",
        sample: |s| {
            Sample::new(|v| v[0].mul(&v[1]))
                .input("a", s.tensor(&[2]))
                .input("b", s.tensor(&[3]))
        },
    };
    let report = gradcheck::run(&spec, 2, 0);
    assert_eq!(report.worst, f64::INFINITY);
    assert!(report.description.contains("mul"), "{}", report.description);
}

#[test]
fn the_check_finds_a_gradient_that_depends_on_what_else_is_wanted() {
    /// a · b, whose gradient for a is right only as long as that for b is wanted too.
    struct Careless {
        a: Tensor<f64>,
        b: Tensor<f64>,
    }
    impl Op<f64> for Careless {
        fn name(&self) -> &'static str {
            "careless"
        }
        fn backward(
            self: Box<Self>,
            gradient: Tensor<f64>,
            wanted: &[bool],
        ) -> Result<Vec<Option<Tensor<f64>>>> {
            let a = if wanted[1] {
                gradient.mul(&self.b)?
            } else {
                gradient.clone()
            };
            Ok(vec![Some(a), Some(gradient.mul(&self.a)?)])
        }
    }
    let product = |v: &[Var<f64>]| {
        let (a, b) = (v[0].value(), v[1].value());
        v[0].tape().record(&[&v[0], &v[1]], a.mul(b)?, || Careless {
            a: a.clone(),
            b: b.clone(),
        })
    };
    let sample = |s: &mut Sampler| {
        Sample::new(product)
            .input("a", s.away_from_zero(&[2]))
            .input("b", s.uniform(&[2], 3.0, 4.0))
    };
    let report = gradcheck::run_samples("careless", sample, 1, 0);
    assert!(report.worst > 0.1, "{report:?}");
    assert!(
        report.description.contains("it alone wanted"),
        "{}",
        report.description
    );
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let spec = &ops::all()[0];
    let (first, second) = (gradcheck::run(spec, 3, 9), gradcheck::run(spec, 3, 9));
    assert_eq!(first.worst, second.worst);
    assert_eq!(first.description, second.description);
}
