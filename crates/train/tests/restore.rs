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

/// Two towers with shared weights, one layer frozen: the file alone says all of it.
#[test]
fn a_graph_and_its_freezing_come_back() {
    use taper_nn::{Functional, junctions::Add};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.taper");
    let mut net = Functional::new();
    let (a, b) = (net.input("a", [3]), net.input("b", [3]));
    let tower = net.layer(Dense::new(4).activation(Tanh).name("tower"));
    let (a, b) = (net.call(tower, a), net.call(tower, b));
    let sum = net.join(Add::new(), &[a, b]);
    let y = net.apply(Dense::new(2), sum);
    let mut model = net.outputs(&[y, a]).build(Seed(3)).unwrap();
    model.set_trainable("tower", false).unwrap();
    Checkpoint::of(&model).save(&path).unwrap();

    let file = Checkpoint::load_weights(&path).unwrap();
    let mut rebuilt = file.clone().into_model().unwrap();
    assert_eq!(rebuilt.is_trainable("tower"), Some(false));
    assert_eq!(rebuilt.config(), model.config());
    let x = Tensor::from_fn([2, 3], |i| i as f32);
    let outputs = |model: &Model| -> Vec<Vec<f32>> {
        let outputs = model.predict_all([&x, &x]).unwrap();
        outputs.iter().map(Tensor::to_vec).collect()
    };
    assert_eq!(outputs(&rebuilt), outputs(&model));

    let mut other = Sequential::new([3])
        .add(Dense::new(4).name("tower"))
        .build(Seed(9))
        .unwrap();
    let loaded = file.load_part_into(&mut other).unwrap();
    assert_eq!(loaded.taken, ["tower/kernel", "tower/bias"]);
    assert_eq!(loaded.left_over, ["dense/bias", "dense/kernel"]);
    rebuilt.parameters_mut()[0].value = Tensor::zeros([3, 4]);
    assert_ne!(outputs(&rebuilt), outputs(&model));
}
