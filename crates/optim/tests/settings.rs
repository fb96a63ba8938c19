//! Every number that an optimizer or a schedule can be given, drawn from what is hardly ever meant: either an error that names
//! the setting, or an optimizer that makes steps. Goes over the tables, so that an added setting is drawn as well.

use serde_json::{Value, json};
use taper_optim::optimizers::prelude::*;
use taper_optim::schedules::{self, ExponentialDecay, InverseTimeDecay};
use taper_optim::schedules::{
    CosineDecay, CosineDecayRestarts, OneCycle, PiecewiseConstantDecay, PolynomialDecay, WarmUp,
};
use taper_optim::{Clipping, LearningRate, Optimizer, Penalty, State, Weight, apply, optimizers};
use taper_tensor::Tensor;

const DRAWN: [f64; 18] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -1.0,
    -1e-300,
    0.0,
    -0.0,
    1e-300,
    0.5,
    0.999,
    1.0,
    1.0 + f64::EPSILON,
    2.0,
    1e30,
    1e300,
    (1u64 << 40) as f64,
    usize::MAX as f64,
    f64::MAX,
];

/// JSON has no NaN and no ∞; whoever writes them by serde gets `null`.
fn drawn_json() -> impl Iterator<Item = Value> {
    let whole = [json!(usize::MAX), json!(1u64 << 40), json!(i64::MIN)];
    let words = [
        json!("NaN"),
        json!("much"),
        json!([]),
        json!({}),
        json!(true),
        Value::Null,
    ];
    let numbers = DRAWN.into_iter().map(|number| json!(number));
    numbers.chain(whole).chain(words)
}

/// An error that names the setting, or some steps without a panic.
fn error_or_steps(optimizer: &dyn Optimizer, setting: &str, drawn: f64) -> bool {
    let mut w = Tensor::from_vec([3], vec![0.5, 0.0, -2.0]).unwrap();
    let mut state = State::new(optimizer, [Some(w.shape())]);
    for _ in 0..3 {
        let gradient = Some(w.clone());
        let penalty = Penalty { l1: 0.0, l2: 0.1 };
        let weight = Weight {
            value: &mut w,
            gradient,
            penalty,
        };
        let rate = optimizer.learning_rate_at(state.iterations);
        let stepped = apply(optimizer, &mut state, rate, [weight]);
        if let Err(taper_optim::Error::NotFinite { .. }) = stepped {
            // What is large, or divides and is tiny, but legal may overflow; then the step was not made.
            assert!(
                !(1e-100..=1e6).contains(&drawn.abs()),
                "{optimizer:?}: {stepped:?}"
            );
            break;
        }
        assert_eq!(
            optimizer.check().is_err(),
            stepped.is_err() && state.iterations == 0
        );
        if let Err(error) = stepped {
            let message = error.to_string();
            assert!(message.contains(setting), "{setting}: {message}");
            return false;
        }
    }
    let numbers = w.to_vec().iter().all(|w| w.is_finite());
    assert!(numbers, "{optimizer:?}: {w:?}");
    true
}

/// Every number below `config`, as a JSON pointer.
fn numbers(config: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value| -> Vec<String> {
        let below = numbers(value).into_iter();
        below.map(|rest| format!("/{name}{rest}")).collect()
    };
    match config {
        Value::Number(_) => vec![String::new()],
        Value::Object(entries) => entries.iter().flat_map(|(k, v)| below(k, v)).collect(),
        Value::Array(items) => (0..items.len())
            .flat_map(|i| below(&i.to_string(), &items[i]))
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn json_is_refused_by_name_or_works() {
    let schedules = schedules::all()
        .into_iter()
        .map(|row| json!((row.sample)()));
    let rates: Vec<Value> = schedules.chain([json!(0.01)]).collect();
    let (mut refused, mut worked) = (0, 0);
    for row in optimizers::all::<f32>() {
        for sample in (row.samples)() {
            for rate in &rates {
                for clipping in ["clipnorm", "global_clipnorm", "clipvalue"] {
                    let mut config = sample.config();
                    config["learning_rate"] = rate.clone();
                    config[clipping] = json!(1.0);
                    for place in numbers(&config) {
                        let mut names = place.split('/').filter(|part| part.parse::<u8>().is_err());
                        let setting = names.next_back().unwrap();
                        for value in drawn_json() {
                            let drawn = value.as_f64().unwrap_or(0.0);
                            let mut config = config.clone();
                            *config.pointer_mut(&place).unwrap() = value;
                            match optimizers::from_config::<f32>(row.class_name, &config) {
                                Ok(optimizer) if error_or_steps(&*optimizer, setting, drawn) => {
                                    worked += 1
                                }
                                // A rate that no number can hold any more, after some steps.
                                Ok(_) => refused += 1,
                                Err(error) => {
                                    let message = error.to_string();
                                    assert!(message.contains(setting), "{place}: {message}");
                                    refused += 1;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(
        refused > 1000 && worked > 1000,
        "{refused} refused, {worked} worked"
    );
}

type Set = fn(f64) -> Box<dyn Optimizer>;

/// Every number that Rust can set.
const BUILDERS: &[(&str, &str, Set)] = &[
    ("Adam", "learning_rate", |x| Box::new(Adam::new(x))),
    ("Adam", "learning_rate", |x| {
        Box::new(Adam::default().learning_rate(x))
    }),
    ("Adam", "beta_1", |x| Box::new(Adam::default().beta_1(x))),
    ("Adam", "beta_2", |x| Box::new(Adam::default().beta_2(x))),
    ("Adam", "epsilon", |x| Box::new(Adam::default().epsilon(x))),
    ("AdamW", "learning_rate", |x| Box::new(AdamW::new(x))),
    ("AdamW", "beta_1", |x| {
        Box::new(AdamW::from(Adam::default().beta_1(x)))
    }),
    ("AdamW", "beta_2", |x| {
        Box::new(AdamW::from(Adam::default().beta_2(x)))
    }),
    ("AdamW", "epsilon", |x| {
        Box::new(AdamW::from(Adam::default().epsilon(x)))
    }),
    ("AdamW", "weight_decay", |x| {
        Box::new(AdamW::default().weight_decay(x))
    }),
    ("RMSprop", "learning_rate", |x| Box::new(RMSprop::new(x))),
    ("RMSprop", "rho", |x| Box::new(RMSprop::default().rho(x))),
    ("RMSprop", "momentum", |x| {
        Box::new(RMSprop::default().momentum(x))
    }),
    ("RMSprop", "epsilon", |x| {
        Box::new(RMSprop::default().epsilon(x))
    }),
    ("SGD", "learning_rate", |x| Box::new(SGD::new(x))),
    ("SGD", "momentum", |x| Box::new(SGD::default().momentum(x))),
    ("SGD", "momentum", |x| {
        Box::new(SGD::default().momentum(x).nesterov(true))
    }),
    ("Adadelta", "learning_rate", |x| Box::new(Adadelta::new(x))),
    ("Adadelta", "rho", |x| Box::new(Adadelta::default().rho(x))),
    ("Adadelta", "epsilon", |x| {
        Box::new(Adadelta::default().epsilon(x))
    }),
    ("Adafactor", "learning_rate", |x| {
        Box::new(Adafactor::new(x))
    }),
    ("Adafactor", "beta_2_decay", |x| {
        Box::new(Adafactor::default().beta_2_decay(x))
    }),
    ("Adafactor", "epsilon_1", |x| {
        Box::new(Adafactor::default().epsilon_1(x))
    }),
    ("Adafactor", "epsilon_2", |x| {
        Box::new(Adafactor::default().epsilon_2(x))
    }),
    ("Adafactor", "clip_threshold", |x| {
        Box::new(Adafactor::default().clip_threshold(x))
    }),
    ("Adagrad", "learning_rate", |x| Box::new(Adagrad::new(x))),
    ("Adagrad", "initial_accumulator_value", |x| {
        Box::new(Adagrad::default().initial_accumulator_value(x))
    }),
    ("Adagrad", "epsilon", |x| {
        Box::new(Adagrad::default().epsilon(x))
    }),
    ("Adamax", "learning_rate", |x| Box::new(Adamax::new(x))),
    ("Adamax", "beta_1", |x| {
        Box::new(Adamax::default().beta_1(x))
    }),
    ("Adamax", "beta_2", |x| {
        Box::new(Adamax::default().beta_2(x))
    }),
    ("Adamax", "epsilon", |x| {
        Box::new(Adamax::default().epsilon(x))
    }),
    ("Nadam", "learning_rate", |x| Box::new(Nadam::new(x))),
    ("Nadam", "beta_1", |x| Box::new(Nadam::default().beta_1(x))),
    ("Nadam", "beta_2", |x| Box::new(Nadam::default().beta_2(x))),
    ("Nadam", "epsilon", |x| {
        Box::new(Nadam::default().epsilon(x))
    }),
    ("Lamb", "learning_rate", |x| Box::new(Lamb::new(x))),
    ("Lamb", "beta_1", |x| Box::new(Lamb::default().beta_1(x))),
    ("Lamb", "beta_2", |x| Box::new(Lamb::default().beta_2(x))),
    ("Lamb", "epsilon", |x| Box::new(Lamb::default().epsilon(x))),
    ("Lion", "learning_rate", |x| Box::new(Lion::new(x))),
    ("Lion", "beta_1", |x| Box::new(Lion::default().beta_1(x))),
    ("Lion", "beta_2", |x| Box::new(Lion::default().beta_2(x))),
    ("Ftrl", "learning_rate", |x| Box::new(Ftrl::new(x))),
    ("Ftrl", "learning_rate_power", |x| {
        Box::new(Ftrl::default().learning_rate_power(x))
    }),
    ("Ftrl", "initial_accumulator_value", |x| {
        Box::new(Ftrl::default().initial_accumulator_value(x))
    }),
    ("Ftrl", "l1_regularization_strength", |x| {
        Box::new(Ftrl::default().l1_regularization_strength(x))
    }),
    ("Ftrl", "l2_regularization_strength", |x| {
        Box::new(Ftrl::default().l2_regularization_strength(x))
    }),
    ("Ftrl", "l2_shrinkage_regularization_strength", |x| {
        Box::new(Ftrl::default().l2_shrinkage_regularization_strength(x))
    }),
    ("Ftrl", "beta", |x| Box::new(Ftrl::default().beta(x))),
    ("Muon", "learning_rate", |x| Box::new(Muon::new(x))),
    ("Muon", "adam_beta_1", |x| {
        Box::new(Muon::default().adam_beta_1(x))
    }),
    ("Muon", "adam_beta_2", |x| {
        Box::new(Muon::default().adam_beta_2(x))
    }),
    ("Muon", "epsilon", |x| Box::new(Muon::default().epsilon(x))),
    ("Muon", "adam_weight_decay", |x| {
        Box::new(Muon::default().adam_weight_decay(x))
    }),
    ("Muon", "weight_decay", |x| {
        Box::new(Muon::default().weight_decay(x))
    }),
    ("Muon", "muon_a", |x| Box::new(Muon::default().muon_a(x))),
    ("Muon", "muon_b", |x| Box::new(Muon::default().muon_b(x))),
    ("Muon", "muon_c", |x| Box::new(Muon::default().muon_c(x))),
    ("Muon", "adam_lr_ratio", |x| {
        Box::new(Muon::default().adam_lr_ratio(x))
    }),
    ("Muon", "momentum", |x| {
        Box::new(Muon::default().momentum(x))
    }),
    ("Muon", "rms_rate", |x| {
        Box::new(Muon::default().rms_rate(x))
    }),
    ("Muon", "ns_steps", |x| {
        Box::new(Muon::default().ns_steps(x as u32))
    }),
    ("SGD", "weight_decay", |x| {
        Box::new(SGD::default().weight_decay(x))
    }),
    ("SGD", "ema_momentum", |x| {
        Box::new(SGD::default().use_ema(true).ema_momentum(x))
    }),
    ("SGD", "clipnorm", |x| {
        Box::new(SGD::default().clipping(Clipping::Norm(x)))
    }),
    ("Adam", "global_clipnorm", |x| {
        Box::new(Adam::default().clipping(Clipping::GlobalNorm(x)))
    }),
    ("AdamW", "clipvalue", |x| {
        Box::new(AdamW::default().clipping(Clipping::Value(x)))
    }),
    ("RMSprop", "clipvalue", |x| {
        Box::new(RMSprop::default().clipping(Clipping::Value(x)))
    }),
];

#[test]
fn builders_are_refused_by_name_or_work() {
    for (class_name, setting, set) in BUILDERS {
        for value in DRAWN {
            let optimizer = set(value);
            assert_eq!(optimizer.class_name(), *class_name);
            let works = error_or_steps(&*optimizer, setting, value);
            // What may be below 0; how many iterations there are is a whole number, whatever is drawn.
            let any = ["muon_a", "muon_b", "muon_c", "ns_steps"].contains(setting);
            let below = ["learning_rate_power", "beta_2_decay"].contains(setting);
            let allowed = (if below { value <= 0.0 } else { value >= 0.0 }) && value.is_finite();
            assert!(
                !works || any || allowed,
                "{class_name} {setting} of {value}"
            );
        }
    }
    // An optimizer or a setting that is added must come into the list.
    for row in optimizers::all::<f32>() {
        for sample in (row.samples)() {
            for setting in numbers(&sample.config()) {
                let known = |(class, name, _): &&(&str, &str, Set)| {
                    *class == row.class_name && setting.ends_with(name)
                };
                assert!(
                    BUILDERS.iter().any(|b| known(&b)),
                    "{}{setting} is not drawn",
                    row.class_name
                );
            }
        }
    }
}

type Rate = fn(f64) -> LearningRate;

const SCHEDULES: &[(&str, &str, Rate)] = &[
    ("CosineDecay", "initial_learning_rate", |x| {
        CosineDecay::new(x, 10.0).into()
    }),
    ("CosineDecay", "decay_steps", |x| {
        CosineDecay::new(0.1, x).into()
    }),
    ("CosineDecay", "alpha", |x| {
        CosineDecay::new(0.1, 10.0).alpha(x).into()
    }),
    ("CosineDecay", "warmup_target", |x| {
        CosineDecay::new(0.1, 10.0).warmup(x, 2.0).into()
    }),
    ("CosineDecay", "warmup_steps", |x| {
        CosineDecay::new(0.1, 10.0).warmup(0.2, x).into()
    }),
    ("ExponentialDecay", "initial_learning_rate", |x| {
        ExponentialDecay::new(x, 10.0, 0.5).into()
    }),
    ("ExponentialDecay", "decay_steps", |x| {
        ExponentialDecay::new(0.1, x, 0.5).into()
    }),
    ("ExponentialDecay", "decay_rate", |x| {
        ExponentialDecay::new(0.1, 10.0, x).into()
    }),
    ("InverseTimeDecay", "initial_learning_rate", |x| {
        InverseTimeDecay::new(x, 10.0, 0.5).into()
    }),
    ("InverseTimeDecay", "decay_steps", |x| {
        InverseTimeDecay::new(0.1, x, 0.5).into()
    }),
    ("InverseTimeDecay", "decay_rate", |x| {
        InverseTimeDecay::new(0.1, 10.0, x).into()
    }),
    ("CosineDecayRestarts", "initial_learning_rate", |x| {
        CosineDecayRestarts::new(x, 10.0).into()
    }),
    ("CosineDecayRestarts", "first_decay_steps", |x| {
        CosineDecayRestarts::new(0.1, x).into()
    }),
    ("CosineDecayRestarts", "t_mul", |x| {
        CosineDecayRestarts::new(0.1, 10.0).t_mul(x).into()
    }),
    ("CosineDecayRestarts", "m_mul", |x| {
        CosineDecayRestarts::new(0.1, 10.0).m_mul(x).into()
    }),
    ("CosineDecayRestarts", "alpha", |x| {
        CosineDecayRestarts::new(0.1, 10.0).alpha(x).into()
    }),
    ("OneCycle", "max_lr", |x| OneCycle::new(x, 10.0).into()),
    ("OneCycle", "total_steps", |x| OneCycle::new(0.1, x).into()),
    ("OneCycle", "pct_start", |x| {
        OneCycle::new(0.1, 10.0).pct_start(x).into()
    }),
    ("OneCycle", "div_factor", |x| {
        OneCycle::new(0.1, 10.0).div_factor(x).into()
    }),
    ("OneCycle", "final_div_factor", |x| {
        OneCycle::new(0.1, 10.0).final_div_factor(x).into()
    }),
    ("PolynomialDecay", "initial_learning_rate", |x| {
        PolynomialDecay::new(x, 10.0).into()
    }),
    ("PolynomialDecay", "decay_steps", |x| {
        PolynomialDecay::new(0.1, x).into()
    }),
    ("PolynomialDecay", "end_learning_rate", |x| {
        PolynomialDecay::new(0.1, 10.0).end_learning_rate(x).into()
    }),
    ("PolynomialDecay", "power", |x| {
        PolynomialDecay::new(0.1, 10.0).power(x).cycle(true).into()
    }),
    ("WarmUp", "warmup_steps", |x| WarmUp::new(x, 0.1).into()),
    ("WarmUp", "initial_learning_rate", |x| {
        WarmUp::new(10.0, 0.1).initial_learning_rate(x).into()
    }),
    ("WarmUp", "decay_steps", |x| {
        WarmUp::new(10.0, CosineDecay::new(0.1, x)).into()
    }),
    ("WarmUp", "schedule", |x| WarmUp::new(10.0, x).into()),
    ("PiecewiseConstantDecay", "values", |x| {
        PiecewiseConstantDecay::new([1], [0.1, x]).into()
    }),
];

#[test]
fn schedules_are_refused_by_name_or_work() {
    for (_, setting, set) in SCHEDULES {
        for value in DRAWN {
            let optimizer = SGD::new(set(value));
            let works = error_or_steps(&optimizer, setting, value);
            assert!(
                !works || value >= 0.0 && value.is_finite(),
                "{setting} of {value}"
            );
        }
    }
    for row in schedules::all() {
        let LearningRate::Schedule(sample) = (row.sample)() else {
            panic!("a schedule");
        };
        for setting in numbers(&sample.config()) {
            let known = |(class, name, _): &(&str, &str, Rate)| {
                *class == row.class_name && setting.contains(name)
            };
            let whole = setting.contains("boundaries"); // whole numbers, all of which make sense in order
            assert!(
                whole || SCHEDULES.iter().any(known),
                "{}{setting} is not drawn",
                row.class_name
            );
        }
    }
}

/// What a schedule of somebody else says at a later step is looked at when it comes.
#[test]
fn a_rate_that_turns_into_none_is_named_with_its_step() {
    let grows = SGD::new(ExponentialDecay::new(1.0, 1.0, 1e200));
    // In f64, whose numbers hold the rate of the second step.
    let optimizer: &dyn Optimizer<f64> = &grows;
    let mut w = Tensor::from_vec([1], vec![0.5f64]).unwrap();
    let mut state = State::new(optimizer, [Some(w.shape())]);
    let mut step = |w: &mut Tensor<f64>| {
        let gradient = Some(Tensor::zeros([1]));
        let rate = optimizer.learning_rate_at(state.iterations);
        apply(
            optimizer,
            &mut state,
            rate,
            [Weight {
                value: w,
                gradient,
                penalty: Penalty::default(),
            }],
        )
    };
    assert!(step(&mut w).is_ok());
    assert!(step(&mut w).is_ok());
    let error = step(&mut w).unwrap_err().to_string();
    assert!(
        error.starts_with("SGD: after 2 steps learning_rate is inf"),
        "{error}"
    );
}
