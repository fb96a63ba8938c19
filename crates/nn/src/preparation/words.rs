//! Keras's words for how images are read between and beyond their pixels: `#[serde(with = "words::fill_mode")]`.

macro_rules! words {
    ($(#[$doc:meta])* $module:ident: $of:ident { $($word:ident),* }) => {
        $(#[$doc])*
        pub(crate) mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};
            use taper_tensor::ops::$of;

            #[derive(Serialize, Deserialize)]
            #[serde(rename_all = "snake_case")]
            enum Word {
                $($word),*
            }

            pub(crate) fn serialize<S: Serializer>(of: &$of, serializer: S) -> Result<S::Ok, S::Error> {
                match of {
                    $($of::$word => Word::$word),*
                }
                .serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$of, D::Error> {
                Ok(match Word::deserialize(deserializer)? {
                    $(Word::$word => $of::$word),*
                })
            }
        }
    };
}

words!(
    /// `constant`, `nearest`, `reflect`, `wrap`.
    fill_mode: FillMode { Constant, Nearest, Reflect, Wrap }
);
words!(
    /// `nearest`, `bilinear`.
    interpolation: Interpolation { Nearest, Bilinear }
);
