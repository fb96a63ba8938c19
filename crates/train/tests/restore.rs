//! Models out of checkpoints, and what is said when they do not fit.

mod common;

use common::{Bars, network, weights};
use taper_train::predict;
use taper_train::prelude::*;

#[test]
fn a_model_is_rebuilt_from_its_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.taper");
    let (data, model) = (Bars::new(9, 1), network());
    Checkpoint::of(&model).save(&path).unwrap();
    let rebuilt = Checkpoint::load_weights(&path)
        .unwrap()
        .into_model()
        .unwrap();
    assert_eq!(weights(&rebuilt), weights(&model));
    let both = [&rebuilt, &model].map(|m| predict(m, &data, 4).unwrap().to_vec());
    assert_eq!(both[0], both[1]);
}

#[test]
fn what_does_not_fit_is_named_and_changes_nothing() {
    let good = Checkpoint::of(&network());
    let mut model = network();
    model.parameters_mut()[0].value = Tensor::ones([3, 3, 1, 4]);
    let before = weights(&model);
    let mut refused = |change: fn(&mut Checkpoint), words: &str| {
        let mut bad = good.clone();
        change(&mut bad);
        let error = bad.load_into(&mut model).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(weights(&model), before);
        assert!(bad.into_model().is_err());
    };
    refused(|c| drop(c.weights.pop()), "dense_1/bias [3] is missing");
    refused(
        |c| c.weights.push(("extra".into(), Tensor::scalar(1.0))),
        "the model has no extra",
    );
    refused(|c| c.weights[1].1 = Tensor::zeros([5]), "[5] is given");

    for architecture in [
        "",
        "no json",
        "{}",
        r#"{"class_name":"Sequential","config":{"layers":7}}"#,
    ] {
        let bad = Checkpoint {
            architecture: architecture.into(),
            ..good.clone()
        };
        assert!(bad.into_model().is_err(), "{architecture}");
    }
}
