//! The functions of `kernels::math` against f64, on every instruction set, and where IEEE 754 and C's Annex F say what
//! must come out.

use taper_tensor::kernels::math::{Function, Power, pow};
use taper_tensor::simd::InstructionSet;

/// Every 65,537th f32, infinities, zeros, NaN, the ends of the subnormals, and what lies around the turns of each function.
fn inputs() -> Vec<f32> {
    let mut inputs: Vec<f32> = (0..=u32::MAX).step_by(65_537).map(f32::from_bits).collect();
    let turns = [
        0.0,
        f32::from_bits(1),
        f32::MIN_POSITIVE,
        0.65,
        0.75,
        std::f32::consts::FRAC_PI_4,
        1.0,
        std::f32::consts::FRAC_PI_2,
        std::f32::consts::PI,
        9.02,
        10.0,
        14.2,
        15.0,
        16.0,
        40.0,
        87.336_55,
        88.722_84,
        89.0,
        103.972_08,
        104.0,
        33_554_432.0,
        1e22,
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
        (Function::Erf, f32::INFINITY, 1.0),
        (Function::Erf, f32::NEG_INFINITY, -1.0),
        (Function::Erf, -0.0, -0.0),
        (Function::Sin, 0.0, 0.0),
        (Function::Sin, -0.0, -0.0),
        (Function::Sin, -tiny, -tiny),
        (Function::Cos, -0.0, 1.0),
        (Function::Cos, tiny, 1.0),
        (Function::Gelu, f32::INFINITY, f32::INFINITY),
        (Function::Gelu, f32::NEG_INFINITY, -0.0),
        (Function::Gelu, f32::MIN, -0.0),
        (Function::Gelu, -0.0, -0.0),
        (Function::GeluSlope, f32::INFINITY, 1.0),
        (Function::GeluSlope, f32::NEG_INFINITY, -0.0),
        (Function::GeluSlope, 0.0, 0.5),
        (Function::GeluTanh, f32::INFINITY, f32::INFINITY),
        (Function::GeluTanh, f32::NEG_INFINITY, -0.0),
        (Function::GeluTanh, f32::MIN, -0.0),
        (Function::GeluTanhSlope, f32::INFINITY, 1.0),
        (Function::GeluTanhSlope, f32::NEG_INFINITY, -0.0),
        (Function::GeluTanhSlope, 0.0, 0.5),
        (Function::Mish, f32::INFINITY, f32::INFINITY),
        (Function::Mish, f32::NEG_INFINITY, -0.0),
        (Function::Mish, f32::MIN, -0.0),
        (Function::MishSlope, f32::INFINITY, 1.0),
        (Function::MishSlope, f32::NEG_INFINITY, -0.0),
        (Function::Selu, f32::INFINITY, f32::INFINITY),
        (Function::Selu, f32::NEG_INFINITY, -1.758_099_3),
        (Function::Selu, -0.0, -0.0),
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
        (Function::Sin, f32::INFINITY),
        (Function::Sin, f32::NEG_INFINITY),
        (Function::Cos, f32::INFINITY),
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

/// What f64 is computed with, which the other tests judge by: to 60 digits by mpmath.
#[test]
fn the_f64_of_erf_and_gelu_has_the_digits_of_f64() {
    let close = |found: f64, wanted: f64| (found / wanted - 1.0).abs() <= 1e-14;
    for (function, x, wanted) in [
        (Function::Erf, 1.0e-20, 1.128_379_167_095_512_5e-20),
        (Function::Erf, 0.3, 0.328_626_759_459_127_4),
        (Function::Erf, -0.75, -0.711_155_633_653_515_1),
        (Function::Erf, 0.76, 0.717_536_752_805_590_8),
        (Function::Erf, 1.5, 0.966_105_146_475_310_8),
        (Function::Erf, 3.0, 0.999_977_909_503_001_4),
        (Function::Erf, -5.5, -0.999_999_999_999_992_7),
        (Function::Gelu, -13.0, -7.952_313_719_414_843e-38),
        (Function::Gelu, -6.0, -5.919_525_870_226_188_5e-9),
        (Function::Gelu, -1.0, -0.158_655_253_931_457_05),
        (Function::Gelu, 1.0e-9, 5.000_000_003_989_423e-10),
        (Function::Gelu, 0.5, 0.345_731_230_637_006_56),
        (Function::Gelu, 2.0, 1.954_499_736_103_641_6),
        (Function::Gelu, 9.0, 9.0),
        (Function::GeluSlope, -10.0, -7.618_400_096_464_814e-22),
        (Function::GeluSlope, -2.0, -0.085_231_801_078_196_9),
        (Function::GeluSlope, -0.5, 0.132_504_875_343_837_15),
        (Function::GeluSlope, 0.25, 0.695_373_354_883_636),
        (Function::GeluSlope, 3.0, 1.011_945_647_204_184),
        (Function::GeluTanh, -5.0, -2.291_796_196_629_506e-7),
        (Function::GeluTanh, -3.0, -0.003_637_392_081_773_019),
        (Function::GeluTanh, -0.5, -0.154_285_990_174_856_09),
        (Function::GeluTanh, 0.25, 0.149_675_350_701_685),
        (Function::GeluTanh, 2.0, 1.954_597_694_087_775),
        (Function::Selu, -30.0, -1.758_099_340_847_212_3),
        (Function::Selu, -1.0, -1.111_330_737_812_562_8),
        (Function::Selu, -1.0e-10, -1.758_099_340_759_471_9e-10),
        (Function::Selu, 0.5, 0.525_350_493_677_740_2),
        (Function::Selu, 100.0, 105.070_098_735_548_04),
    ] {
        let found = function.of(x);
        assert!(close(found, wanted), "{} of {x}: {found}", function.name());
    }
}

/// The sine of numbers of which a quarter of a turn is a tiny part, and of those next to a multiple of π/2; by mpmath.
#[test]
fn huge_numbers_are_turned_to_the_last_digit() {
    let near = |found: f32, wanted: f64| (f64::from(found) / wanted - 1.0).abs() <= 6e-8;
    for (x, sine, cosine) in [
        (
            3.355_443_2e7,
            -0.976_517_290_950_928_4,
            -0.215_439_041_201_588_35,
        ),
        (
            3.355_443_6e7,
            0.801_339_101_861_199_7,
            -0.598_210_367_536_609_7,
        ),
        (
            2.861_650_8e15,
            -0.845_537_281_801_282_1,
            0.533_916_383_981_704_8,
        ),
        (
            1.203_042_5e20,
            0.928_772_670_965_771_5,
            0.370_649_869_374_193_5,
        ),
        (1.0e10, -0.487_506_025_087_510_7, 0.873_119_622_676_856),
        (
            1.726_998_3e20,
            -0.246_833_333_620_610_08,
            0.969_057_947_397_232_1,
        ),
        (
            3.402_823_5e38,
            -0.521_876_523_333_658_5,
            0.853_021_039_830_304_2,
        ),
        (
            1.701_412e38,
            0.542_447_868_688_232_5,
            -0.840_089_465_328_303_1,
        ),
        (
            1.837_981e19,
            0.215_625_790_905_543_73,
            0.976_476_071_543_158_1,
        ),
        (
            8.084_793_4e29,
            -0.995_669_110_950_239_4,
            -0.092_967_851_968_085_95,
        ),
    ] {
        let mut found = [x, -x];
        Function::Sin.apply_in_place(&mut found);
        let same = near(found[0], sine) && found[1] == -found[0];
        assert!(same, "sin of {x:e}: {found:?}");
        let mut found = [x, -x];
        Function::Cos.apply_in_place(&mut found);
        let same = near(found[0], cosine) && found[1] == found[0];
        assert!(same, "cos of {x:e}: {found:?}");
    }
}

const EXPONENTS: [f32; 21] = [
    0.0,
    1.0,
    2.0,
    -1.0,
    -2.0,
    3.0,
    0.5,
    -0.5,
    1.5,
    0.1,
    -7.0,
    63.0,
    -100.5,
    1e-3,
    1e5,
    1e-30,
    1e30,
    16_777_215.0,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
];

#[test]
fn powers_stay_below_their_bound_and_have_the_same_bits_on_every_set() {
    let bits = |values: &[f32]| values.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
    let inputs = inputs();
    for exponent in EXPONENTS {
        let power = Power(exponent);
        let mut wanted = inputs.clone();
        power.apply_in_place_on(InstructionSet::Portable, &mut wanted);
        for (&x, &y) in inputs.iter().zip(&wanted) {
            let error = power.error(x, y);
            assert!(
                error < Power::BOUND,
                "{x:e} to {exponent}: {y:e}: {error} ULP"
            );
            assert_eq!(
                pow(x, exponent).to_bits(),
                y.to_bits(),
                "{x:e} to {exponent}"
            );
        }
        for set in InstructionSet::ALL {
            let mut found = inputs[1..].to_vec();
            power.apply_in_place_on(set, &mut found);
            assert!(bits(&found) == bits(&wanted[1..]), "{exponent} on {set:?}");
        }
        let mut elsewhere = vec![0.0; inputs.len()];
        power.apply(&inputs, &mut elsewhere);
        assert!(bits(&elsewhere) == bits(&wanted), "{exponent}");
    }
}

/// F.10.4.4 of C23's Annex F, line by line.
#[test]
fn powers_have_the_special_values_of_annex_f() {
    const INF: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;
    let table = [
        (0.0, -3.0, INF),
        (-0.0, -3.0, -INF),
        (0.0, -2.5, INF),
        (-0.0, -2.0, INF),
        (-0.0, -2.5, INF),
        (0.0, -INF, INF),
        (-0.0, -INF, INF),
        (0.0, 3.0, 0.0),
        (-0.0, 3.0, -0.0),
        (-0.0, 2.0, 0.0),
        (-0.0, 2.5, 0.0),
        (-0.0, INF, 0.0),
        (-1.0, INF, 1.0),
        (-1.0, -INF, 1.0),
        (1.0, NAN, 1.0),
        (1.0, -INF, 1.0),
        (NAN, 0.0, 1.0),
        (NAN, -0.0, 1.0),
        (INF, 0.0, 1.0),
        (-2.0, 0.5, NAN),
        (-f32::MIN_POSITIVE, 1e-30, NAN),
        (0.5, -INF, INF),
        (-0.5, -INF, INF),
        (1.5, -INF, 0.0),
        (-1.5, -INF, 0.0),
        (-0.5, INF, 0.0),
        (1.5, INF, INF),
        (-1.5, INF, INF),
        (-INF, -3.0, -0.0),
        (-INF, -2.0, 0.0),
        (-INF, -2.5, 0.0),
        (-INF, 3.0, -INF),
        (-INF, 2.0, INF),
        (-INF, 2.5, INF),
        (INF, -1e-30, 0.0),
        (INF, 1e-30, INF),
        (NAN, 1.0, NAN),
        (2.0, NAN, NAN),
        (-2.0, 3.0, -8.0),
        (-2.0, 16_777_216.0, INF),
        (-0.5, 16_777_215.0, -0.0),
        (f32::from_bits(1), 0.5, 3.743_392e-23),
        (2.0, -149.0, f32::from_bits(1)),
        (2.0, -150.5, 0.0),
        (2.0, 128.0, INF),
    ];
    for (x, y, wanted) in table {
        let mut found = [x];
        Power(y).apply_in_place(&mut found);
        for found in [found[0], pow(x, y)] {
            let same = found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan();
            assert!(same, "{x:e} to {y:e}: {found:e} for {wanted:e}");
        }
    }
}
