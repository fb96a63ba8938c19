//! The six element types of IDX, all big-endian in the file.

/// Element type of an IDX file; the value is its code in the third byte of the magic number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ElementType {
    /// Unsigned bytes (pixels, labels).
    U8 = 0x08,
    /// Signed bytes.
    I8 = 0x09,
    /// 16-bit signed integers.
    I16 = 0x0B,
    /// 32-bit signed integers.
    I32 = 0x0C,
    /// 32-bit floats.
    F32 = 0x0D,
    /// 64-bit floats.
    F64 = 0x0E,
}

impl ElementType {
    /// All of them.
    pub const ALL: [ElementType; 6] = [
        Self::U8,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::F32,
        Self::F64,
    ];

    /// The type of a code, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Rust's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that IDX can hold: `u8`, `i8`, `i16`, `i32`, `f32`, `f64` (sealed).
pub trait IdxElement: sealed::Sealed + Copy + 'static {
    /// Its code.
    const TYPE: ElementType;
    /// One value from its big-endian bytes; `bytes` has [`ElementType::size`] of them.
    #[doc(hidden)]
    fn from_be(bytes: &[u8]) -> Self;
    /// Appends its big-endian bytes.
    #[doc(hidden)]
    fn to_be(self, out: &mut Vec<u8>);
    /// The value as f32, rounded to nearest where f32 cannot hold it.
    #[doc(hidden)]
    fn to_f32(self) -> f32;
}

macro_rules! elements {
    ($($rust:ty => $code:ident),*) => {$(
        impl sealed::Sealed for $rust {}
        impl IdxElement for $rust {
            const TYPE: ElementType = ElementType::$code;
            fn from_be(bytes: &[u8]) -> Self {
                let mut array = [0; size_of::<$rust>()];
                array.copy_from_slice(bytes);
                <$rust>::from_be_bytes(array)
            }
            fn to_be(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn to_f32(self) -> f32 {
                self as f32
            }
        }
    )*};
}
elements!(u8 => U8, i8 => I8, i16 => I16, i32 => I32, f32 => F32, f64 => F64);
