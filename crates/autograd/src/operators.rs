//! `+ - * /` and unary minus between variables, and with numbers: formulas read as they are written.

use crate::Var;
use std::ops::{Add, Div, Mul, Neg, Sub};
use taper_tensor::{Element, Result};

/// The operator's value, or a panic with the error's words.
#[track_caller]
fn valid<E: Element>(result: Result<Var<E>>) -> Var<E> {
    result.unwrap_or_else(|error| panic!("{error}"))
}

macro_rules! operator {
    ($Operator:ident, $method:ident, $mark:literal, |$x:ident, $number:ident| $with_number:expr) => {
        operator!($Operator, $method, $mark, Var<E>, Var<E>);
        operator!($Operator, $method, $mark, Var<E>, &Var<E>);
        operator!($Operator, $method, $mark, &Var<E>, Var<E>);
        operator!($Operator, $method, $mark, &Var<E>, &Var<E>);

        #[doc = concat!("`x ", $mark, " number`, for every element.")]
        impl<E: Element> $Operator<E> for &Var<E> {
            type Output = Var<E>;

            fn $method(self, $number: E) -> Var<E> {
                let $x = self;
                $with_number
            }
        }

        #[doc = concat!("`x ", $mark, " number`, for every element.")]
        impl<E: Element> $Operator<E> for Var<E> {
            type Output = Var<E>;

            fn $method(self, $number: E) -> Var<E> {
                let $x = &self;
                $with_number
            }
        }
    };
    ($Operator:ident, $method:ident, $mark:literal, $Left:ty, $Right:ty) => {
        #[doc = concat!("`a ", $mark, " b`, element by element, with NumPy's broadcasting: [`Var::", stringify!($method), "`].")]
        ///
        /// # Panics
        /// When the shapes do not broadcast, or the variables belong to different tapes. The message names the operation and
        /// both shapes; the method returns it as an error instead.
        impl<E: Element> $Operator<$Right> for $Left {
            type Output = Var<E>;

            #[track_caller]
            fn $method(self, other: $Right) -> Var<E> {
                valid(Var::$method(&self, &other))
            }
        }
    };
}

operator!(Add, add, "+", |x, number| x.shift(number));
operator!(Sub, sub, "-", |x, number| x.shift(-number));
operator!(Mul, mul, "*", |x, number| x.scale(number));
operator!(Div, div, "/", |x, number| x.scale(number.recip()));

/// `number ⊕ x`, for every element; numbers are f32 or f64, as the variable's are.
macro_rules! number_first {
    ($E:ty: $($Operator:ident, $method:ident, |$number:ident, $x:ident| $value:expr;)*) => {$(
        impl $Operator<&Var<$E>> for $E {
            type Output = Var<$E>;

            fn $method(self, $x: &Var<$E>) -> Var<$E> {
                let $number = self;
                $value
            }
        }

        impl $Operator<Var<$E>> for $E {
            type Output = Var<$E>;

            fn $method(self, x: Var<$E>) -> Var<$E> {
                $Operator::$method(self, &x)
            }
        }
    )*};
}

macro_rules! number_first_of_all {
    ($($E:ty),*) => {$(
        number_first! { $E:
            Add, add, |number, x| x.shift(number);
            Sub, sub, |number, x| x.neg().shift(number);
            Mul, mul, |number, x| x.scale(number);
            Div, div, |number, x| x.recip().scale(number);
        }
    )*};
}
number_first_of_all!(f32, f64);

/// `-x`, for every element.
impl<E: Element> Neg for &Var<E> {
    type Output = Var<E>;

    fn neg(self) -> Var<E> {
        Var::neg(self)
    }
}

/// `-x`, for every element.
impl<E: Element> Neg for Var<E> {
    type Output = Var<E>;

    fn neg(self) -> Var<E> {
        Var::neg(&self)
    }
}

#[cfg(test)]
mod tests {
    use crate::Tape;
    use taper_tensor::Tensor;

    #[test]
    fn formulas_read_as_they_are_written() {
        let tape = Tape::<f64>::new();
        let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 4.0]).unwrap());
        let y = tape.parameter(&Tensor::scalar(2.0));
        let z = 3.0 * &x * &x - &x / &y + 1.0 - 8.0 / &x / 2.0 + -&y * 0.5;
        assert_eq!(
            z.value().to_vec(),
            [3.0 - 0.5 + 1.0 - 4.0 - 1.0, 48.0 - 2.0 + 1.0 - 1.0 - 1.0]
        );
        let gradients = z.sum().backward().unwrap();
        assert_eq!(gradients[&x].to_vec(), [6.0 - 0.5 + 4.0, 24.0 - 0.5 + 0.25]);
        assert_eq!(gradients[&y].item().unwrap(), 0.25 + 1.0 - 1.0);
    }

    #[test]
    #[should_panic(expected = "add: [2] and [3] do not broadcast")]
    fn shapes_that_do_not_fit_are_named() {
        let tape = Tape::<f32>::new();
        let _ = tape.constant(&Tensor::zeros([2])) + tape.constant(&Tensor::zeros([3]));
    }
}
