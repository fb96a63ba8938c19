//! The rows of the catalog.
//!
//! Where the digests come from:
//! - MNIST, raw: of the four files that come with this project (`fixtures/mnist`); gzip: the checksum list of
//!   TensorFlow Datasets (`url_checksums/mnist.txt`).
//! - Fashion-MNIST, gzip: `url_checksums/fashion_mnist.txt` of the same; raw labels: unpacked from the
//!   publisher's repository, whose gzip files have the digests of that list; raw images: unpacked from Debian's package
//!   `dataset-fashion-mnist`, whose labels have the same digests as the publisher's, and the same in several public
//!   projects, one of which took them from archives with the publisher's MD5.
//! - KMNIST, gzip: `url_checksums/kmnist.txt` of the same.
//! - EMNIST, gzip: the object ids (SHA-256) under which the mirror `aurelienduarte/emnist` keeps the files in
//!   Git LFS, which agree with an independent list of the files in NIST's archive; archive:
//!   `url_checksums/emnist.txt` of TensorFlow Datasets.
//!
//! Of KMNIST and EMNIST no raw digests were found that could be traced to the publisher's files. Where only the gzip
//! digest is known, it vouches for the download, and the raw digest is recorded beside the data at first use.

use super::entry::{Archive, Entry, File, Split};

/// A file of which the publisher's gzip is known.
const fn gz(name: &'static str, gz_len: u64, gz_sha256: &'static str) -> File {
    File {
        name,
        raw_sha256: None,
        gz_sha256: Some(gz_sha256),
        gz_len: Some(gz_len),
    }
}

impl File {
    /// Adds the raw digest.
    const fn raw(mut self, sha256: &'static str) -> File {
        self.raw_sha256 = Some(sha256);
        self
    }
}

const DIGITS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

#[rustfmt::skip]
const LETTERS: &[&str] = &[
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
    "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
];

/// Digits, capitals, and the small letters that do not look like their capitals.
#[rustfmt::skip]
const MERGED: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
    "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
    "a", "b", "d", "e", "f", "g", "h", "n", "q", "r", "t",
];

#[rustfmt::skip]
const ALPHANUMERIC: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
    "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",
    "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z",
];

#[rustfmt::skip]
const GARMENTS: &[&str] = &[
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
];

const HIRAGANA: &[&str] = &["お", "き", "す", "つ", "な", "は", "ま", "や", "れ", "を"];

/// What the six EMNIST rows share.
const EMNIST: Entry = Entry {
    folder: "emnist",
    licence: "no licence stated; from NIST Special Database 19, a work of the United States government",
    source: "G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST, arXiv:1702.05373",
    transposed: true,
    mirrors: &[
        "https://media.githubusercontent.com/media/aurelienduarte/emnist/master/gzip/",
        // Holds balanced, byclass and letters only.
        "https://huggingface.co/datasets/Heliosoph/EMNIST/resolve/main/",
    ],
    archive: Some(&EMNIST_ARCHIVE),
    ..MNIST
};

/// All six splits in one file of 562 MB: the original publication.
const EMNIST_ARCHIVE: Archive = Archive {
    name: "gzip.zip",
    sha256: "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    len: 561_753_746,
    urls: &[
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ],
};

const MNIST: Entry = Entry {
    name: "mnist",
    title: "MNIST",
    description: "60,000 + 10,000 handwritten digits, 28×28 grey",
    folder: "mnist",
    licence: "CC BY-SA 3.0",
    source: "Y. LeCun, C. Cortes: The MNIST database of handwritten digits",
    image: [28, 28],
    classes: DIGITS,
    transposed: false,
    first_label: 0,
    train: Split {
        samples: 60_000,
        images: gz(
            "train-images-idx3-ubyte",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        )
        .raw("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        labels: gz(
            "train-labels-idx1-ubyte",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        )
        .raw("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    },
    test: Split {
        samples: 10_000,
        images: gz(
            "t10k-images-idx3-ubyte",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        )
        .raw("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        labels: gz(
            "t10k-labels-idx1-ubyte",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        )
        .raw("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    },
    mirrors: &[
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ],
    system: &[],
    archive: None,
};

pub(super) const ENTRIES: &[Entry] = &[
    MNIST,
    Entry {
        name: "fashion_mnist",
        title: "Fashion-MNIST",
        description: "60,000 + 10,000 articles of clothing, 28×28 grey",
        folder: "fashion_mnist",
        licence: "MIT",
        source: "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, arXiv:1708.07747",
        classes: GARMENTS,
        train: Split {
            samples: 60_000,
            images: gz(
                "train-images-idx3-ubyte",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            )
            .raw("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            labels: gz(
                "train-labels-idx1-ubyte",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            )
            .raw("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        },
        test: Split {
            samples: 10_000,
            images: gz(
                "t10k-images-idx3-ubyte",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            )
            .raw("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            labels: gz(
                "t10k-labels-idx1-ubyte",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            )
            .raw("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        },
        mirrors: &[
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ],
        system: &["/usr/share/datasets/fashion-mnist"], // Debian's package dataset-fashion-mnist
        ..MNIST
    },
    Entry {
        name: "kmnist",
        title: "Kuzushiji-MNIST",
        description: "60,000 + 10,000 characters of cursive Japanese, 28×28 grey",
        folder: "kmnist",
        licence: "CC BY-SA 4.0",
        source: "T. Clanuwat et al.: Deep Learning for Classical Japanese Literature, arXiv:1812.01718",
        classes: HIRAGANA,
        train: Split {
            samples: 60_000,
            images: gz(
                "train-images-idx3-ubyte",
                18_165_135,
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            ),
            labels: gz(
                "train-labels-idx1-ubyte",
                29_497,
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            ),
        },
        test: Split {
            samples: 10_000,
            images: gz(
                "t10k-images-idx3-ubyte",
                3_041_136,
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            ),
            labels: gz(
                "t10k-labels-idx1-ubyte",
                5_120,
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
        },
        mirrors: &[
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "https://storage.googleapis.com/kuzushiji-mnist/",
        ],
        ..MNIST
    },
    Entry {
        name: "emnist_balanced",
        title: "EMNIST balanced",
        description: "112,800 + 18,800 digits and letters, 47 classes of equal size (similar-looking cases merged)",
        classes: MERGED,
        train: Split {
            samples: 112_800,
            images: gz(
                "emnist-balanced-train-images-idx3-ubyte",
                28_207_740,
                "74295e75e4e9fa2c102147460ee7eb763653d5132d883a84fb88932bfb8d2db4",
            ),
            labels: gz(
                "emnist-balanced-train-labels-idx1-ubyte",
                80_618,
                "b46d41e5156a0a8aaaa4d18979fdd1588850fa8571018acffd5d93b325a7d6ed",
            ),
        },
        test: Split {
            samples: 18_800,
            images: gz(
                "emnist-balanced-test-images-idx3-ubyte",
                4_714_707,
                "117fc12b015e37ea98bfb2cbba3f77c3782c056cdbd219b87abfc8661d7135db",
            ),
            labels: gz(
                "emnist-balanced-test-labels-idx1-ubyte",
                13_504,
                "a67cac948379b67270b9a4d0a01c8ec661598accf2f2b1964340b7c83cb175cd",
            ),
        },
        ..EMNIST
    },
    Entry {
        name: "emnist_byclass",
        title: "EMNIST byclass",
        description: "697,932 + 116,323 digits, capitals and small letters, 62 classes of unequal size",
        classes: ALPHANUMERIC,
        train: Split {
            samples: 697_932,
            images: gz(
                "emnist-byclass-train-images-idx3-ubyte",
                173_367_313,
                "9e21987f03a6eb8b870187e785883ddad96947299587908f1a7ec2ca0f4be5f0",
            ),
            labels: gz(
                "emnist-byclass-train-labels-idx1-ubyte",
                491_603,
                "f7ef403d48dc18a89dae0d83d11ee69cecb6e1c12c3a961d03712e495c02a8fa",
            ),
        },
        test: Split {
            samples: 116_323,
            images: gz(
                "emnist-byclass-test-images-idx3-ubyte",
                28_908_322,
                "5ec835bd5d5b1a66378a132e727fef20fe994b3cc666899befcca5ac766f50cd",
            ),
            labels: gz(
                "emnist-byclass-test-labels-idx1-ubyte",
                81_839,
                "501e305eeeacb093b162592d80e8a2632040872360fa6d85cfcb2200d91ca92a",
            ),
        },
        ..EMNIST
    },
    Entry {
        name: "emnist_bymerge",
        title: "EMNIST bymerge",
        description: "697,932 + 116,323 digits and letters, 47 classes (similar-looking cases merged) of unequal size",
        classes: MERGED,
        train: Split {
            samples: 697_932,
            images: gz(
                "emnist-bymerge-train-images-idx3-ubyte",
                173_375_281,
                "39bf8c68037dad40db35348895f7e4e056e8c0a005ab78869c9fbc2c96e947be",
            ),
            labels: gz(
                "emnist-bymerge-train-labels-idx1-ubyte",
                476_444,
                "2c47293b9e62d6abf6ad05fbf67e40baa32adfd380b8d7b44dcc35534b64e1f1",
            ),
        },
        test: Split {
            samples: 116_323,
            images: gz(
                "emnist-bymerge-test-images-idx3-ubyte",
                28_905_295,
                "5e5815ec1b522089134435f7c55e75a00960b58414793593ffff23efc0821683",
            ),
            labels: gz(
                "emnist-bymerge-test-labels-idx1-ubyte",
                79_351,
                "8bda1516255683ba9071e141947ca0c91a911176065cdd6259b0b4d8dc5b5f35",
            ),
        },
        ..EMNIST
    },
    Entry {
        name: "emnist_digits",
        title: "EMNIST digits",
        description: "240,000 + 40,000 digits, 10 classes of equal size",
        classes: DIGITS,
        train: Split {
            samples: 240_000,
            images: gz(
                "emnist-digits-train-images-idx3-ubyte",
                59_515_779,
                "f7c95004d14d81af89522e67d8f0c781dfb3bd544181c81bfe1eb6b41c35b726",
            ),
            labels: gz(
                "emnist-digits-train-labels-idx1-ubyte",
                113_859,
                "6638a6ff5fe2eefd9cca2471995b46c82986b8e4b2a70d2f5ce8e05d7edb319e",
            ),
        },
        test: Split {
            samples: 40_000,
            images: gz(
                "emnist-digits-test-images-idx3-ubyte",
                9_908_519,
                "20ebe43509264f7639d37c835a3f0b009e90b29e00a099a03101abe1644a3f63",
            ),
            labels: gz(
                "emnist-digits-test-labels-idx1-ubyte",
                19_960,
                "bad1834c45d5988e270b99d43b13edc3fd898f658ffbc2caf2846ef27f7b05b0",
            ),
        },
        ..EMNIST
    },
    Entry {
        name: "emnist_letters",
        title: "EMNIST letters",
        description: "124,800 + 20,800 letters, 26 classes (capital and small together) of equal size",
        classes: LETTERS,
        first_label: 1,
        train: Split {
            samples: 124_800,
            images: gz(
                "emnist-letters-train-images-idx3-ubyte",
                30_804_864,
                "6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f",
            ),
            labels: gz(
                "emnist-letters-train-labels-idx1-ubyte",
                79_283,
                "9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c",
            ),
        },
        test: Split {
            samples: 20_800,
            images: gz(
                "emnist-letters-test-images-idx3-ubyte",
                5_039_157,
                "50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d",
            ),
            labels: gz(
                "emnist-letters-test-labels-idx1-ubyte",
                144,
                "924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb",
            ),
        },
        ..EMNIST
    },
    Entry {
        name: "emnist_mnist",
        title: "EMNIST mnist",
        description: "60,000 + 10,000 digits, made to resemble MNIST",
        classes: DIGITS,
        train: Split {
            samples: 60_000,
            images: gz(
                "emnist-mnist-train-images-idx3-ubyte",
                14_873_795,
                "5f9942f441031c0f1f2e4d162059fd6e19ea808b34c328b6d16cab0ed24c78f2",
            ),
            labels: gz(
                "emnist-mnist-train-labels-idx1-ubyte",
                29_480,
                "00c6d3c2342fdffb1711e0b5656cac4ce5862d2826399d383a9bac07d612e9f8",
            ),
        },
        test: Split {
            samples: 10_000,
            images: gz(
                "emnist-mnist-test-images-idx3-ubyte",
                2_484_884,
                "b25640fa9e356c618132f5df347c95ef5bae6d9c2596be1de40f7e0ae1c3eac6",
            ),
            labels: gz(
                "emnist-mnist-test-labels-idx1-ubyte",
                5_144,
                "bcc5385d38f083dba046f5f756e99b32f5ea7fad122c6243c71c2239873065ca",
            ),
        },
        ..EMNIST
    },
];
