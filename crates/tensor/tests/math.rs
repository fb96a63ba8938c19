//! The functions of `kernels::math` against f64, on every instruction set, and where IEEE 754 and C's Annex F say what
//! must come out.

use taper_tensor::kernels::math::Function;
use taper_tensor::simd::InstructionSet;

/// Every 65,537th f32, infinities, zeros, NaN, the ends of the subnormals, and what lies around the turns of each function.
fn inputs() -> Vec<f32> {
    let mut inputs: Vec<f32> = (0..=u32::MAX).step_by(65_537).map(f32::from_bits).collect();
    let turns = [
        0.0,
        f32::from_bits(1),
        f32::MIN_POSITIVE,
        0.65,
        1.0,
        9.02,
        10.0,
        87.336_55,
        88.722_84,
        89.0,
        103.972_08,
        104.0,
        f32::MAX,
        f32::INFINITY,
        f32::NAN,
    ];
    for turn in turns {
        for bits in turn.to_bits().saturating_sub(50)..=turn.to_bits() + 50 {
            let x = f32::from_bits(bits);
            inputs.extend([x, -x]);
        }
    }
    inputs
}

#[test]
fn errors_stay_below_the_bound() {
    for &function in Function::ALL {
        let inputs = inputs();
        let mut found = inputs.clone();
        function.apply_in_place(&mut found);
        for (&x, &y) in inputs.iter().zip(&found) {
            let error = function.error(x, y);
            assert!(
                error < function.bound(),
                "{} of {x:e}: {y:e}: {error} ULP",
                function.name()
            );
        }
    }
}

#[test]
fn every_instruction_set_has_the_same_bits_at_every_place() {
    let bits = |values: &[f32]| values.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
    for &function in Function::ALL {
        let inputs = inputs();
        let mut wanted = inputs.clone();
        function.apply_in_place_on(InstructionSet::Portable, &mut wanted);
        for set in InstructionSet::ALL {
            for first in [0, 1, 5, inputs.len() - 3] {
                let mut found = inputs[first..].to_vec();
                function.apply_in_place_on(set, &mut found);
                let same = bits(&found) == bits(&wanted[first..]);
                assert!(same, "{} on {set:?} from {first}", function.name());
            }
        }
        let mut elsewhere = vec![0.0; inputs.len()];
        function.apply(&inputs, &mut elsewhere);
        assert!(bits(&elsewhere) == bits(&wanted), "{}", function.name());
    }
}

#[test]
fn special_values_are_those_of_annex_f() {
    let of = |function: Function, x: f32| {
        let mut values = [x];
        function.apply_in_place(&mut values);
        values[0]
    };
    let tiny = f32::from_bits(1);
    let table = [
        (Function::Exp, f32::NEG_INFINITY, 0.0),
        (Function::Exp, f32::INFINITY, f32::INFINITY),
        (Function::Exp, 0.0, 1.0),
        (Function::Exp, -0.0, 1.0),
        (Function::Exp, 88.722_84, f32::INFINITY),
        (Function::Exp, -103.972_1, 0.0),
        (Function::Exp, -103.2, tiny),
        (Function::Tanh, f32::INFINITY, 1.0),
        (Function::Tanh, f32::NEG_INFINITY, -1.0),
        (Function::Tanh, 0.0, 0.0),
        (Function::Tanh, -0.0, -0.0),
        (Function::Tanh, -tiny, -tiny),
        (Function::Sigmoid, f32::INFINITY, 1.0),
        (Function::Sigmoid, f32::NEG_INFINITY, 0.0),
        (Function::Sigmoid, -0.0, 0.5),
        (Function::Expm1, f32::NEG_INFINITY, -1.0),
        (Function::Expm1, f32::INFINITY, f32::INFINITY),
        (Function::Expm1, -0.0, -0.0),
        (Function::Expm1, -tiny, -tiny),
        (Function::Expm1, 88.722_84, f32::INFINITY),
        (Function::Ln, 0.0, f32::NEG_INFINITY),
        (Function::Ln, -0.0, f32::NEG_INFINITY),
        (Function::Ln, 1.0, 0.0),
        (Function::Ln, f32::INFINITY, f32::INFINITY),
        (Function::Log1p, -1.0, f32::NEG_INFINITY),
        (Function::Log1p, -0.0, -0.0),
        (Function::Log1p, tiny, tiny),
        (Function::Log1p, f32::INFINITY, f32::INFINITY),
        (Function::Silu, f32::INFINITY, f32::INFINITY),
        (Function::SiluSlope, f32::INFINITY, 1.0),
        (Function::SiluSlope, 0.0, 0.5),
        (Function::Softplus, f32::NEG_INFINITY, 0.0),
        (Function::Softplus, f32::INFINITY, f32::INFINITY),
    ];
    for (function, x, wanted) in table {
        let found = of(function, x);
        let same = found.to_bits() == wanted.to_bits();
        assert!(same, "{} of {x:e}: {found:e}", function.name());
    }
    for (function, x) in [
        (Function::Ln, -tiny),
        (Function::Ln, f32::NEG_INFINITY),
        (Function::Log1p, -1.000_000_1),
    ] {
        assert!(of(function, x).is_nan(), "{} of {x:e}", function.name());
    }
    for x in [f32::NEG_INFINITY, -200.0] {
        assert_eq!(of(Function::Silu, x), 0.0);
        assert_eq!(of(Function::SiluSlope, x), 0.0);
    }
    for &function in Function::ALL {
        assert!(of(function, f32::NAN).is_nan(), "{}", function.name());
    }
}
