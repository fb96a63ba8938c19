//! The payload, and the only module that knows bincode: a format of a later version, or another library for this one,
//! concerns nobody else. Encoding and decoding stand side by side; the crate's front page documents the layout.
//!
//! Decoding trusts no length. Text and tensor data must be there before memory is taken for them, and lists grow as their
//! members arrive, so that a count of 2⁶³ is "unexpected end" and not an allocation. What a tensor takes besides its data is
//! counted: ten bytes of a file can say "here is a tensor", and it takes a hundred times as many in memory.

use crate::sink::{Sink, WRITE};
use crate::source::Source;
use crate::{Checkpoint, Error, ErrorKind, MAX_PAYLOAD, OptimizerState, Position, Result, header};
use bincode::{
    Decode, Encode,
    config::{Configuration, Limit, LittleEndian, Varint},
    de::{Decoder, DecoderImpl, read::Reader},
    enc::{Encoder, EncoderImpl, write::Writer},
    error::{DecodeError, EncodeError},
};
use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use taper_tensor::Tensor;

/// bincode's own guard against runaway lengths. An integer counts as eight bytes even where it takes one, hence twice
/// the length that the header may announce.
const LIMIT: usize = (MAX_PAYLOAD as usize).saturating_mul(2);
const CONFIG: Configuration<LittleEndian, Varint, Limit<LIMIT>> =
    bincode::config::standard().with_limit::<LIMIT>();
const MAX_RANK: usize = 32;
/// Element type of a tensor: IEEE 754 binary32.
const F32: u8 = 0;

/// What a payload may take in memory besides what it holds: so much, and [`ROOM_A_BYTE`] for every byte of it.
const ROOM: u64 = 16 << 20;
const ROOM_A_BYTE: u64 = 8;
/// What a member of a list takes: the names (of tensors also in the set that finds doubles), the shape and the strides, the
/// first line of the data; the list itself, which doubles as it grows; and as much again where it is used.
const A_TENSOR: u64 = 1024;
const AN_AXIS: u64 = 48;
const A_NOTE: u64 = 256;

/// How much of a payload to keep.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Parts {
    All,
    WithoutOptimizer,
}

/// Writes the payload into `sink`.
pub(crate) fn encode<W: Write>(checkpoint: &Checkpoint, sink: &mut Sink<W>) -> Result<()> {
    check(checkpoint)?;
    put_checkpoint(&mut EncoderImpl::new(sink, CONFIG), checkpoint).map_err(|error| match error {
        EncodeError::Io { inner, .. } => ErrorKind::io(WRITE)(inner),
        other => ErrorKind::Invalid {
            message: other.to_string(),
        }
        .into(),
    })
}

/// What the whole of the payload says.
pub(crate) fn decode<S: Source>(payload: &mut S, parts: Parts) -> Result<Checkpoint> {
    let room = ROOM + payload.left().saturating_mul(ROOM_A_BYTE);
    let lent = Lent(payload, room);
    let result = take_checkpoint(&mut DecoderImpl::new(lent, CONFIG, ()), parts);
    let checkpoint = result.map_err(|error| malformed(payload.at(), describe(&error)))?;
    if payload.left() > 0 {
        let message = format!("{} bytes follow the last field", payload.left());
        return Err(malformed(payload.at(), message));
    }
    Ok(checkpoint)
}

/// bincode wants to own what it reads from. With the memory that is left for what stands around the data.
struct Lent<'a, S>(&'a mut S, u64);

impl<S: Source> Reader for Lent<'_, S> {
    fn read(&mut self, out: &mut [u8]) -> Result<(), DecodeError> {
        self.0.read(out)
    }
}

impl<S: Source> Source for Lent<'_, S> {
    fn at(&self) -> u64 {
        self.0.at()
    }

    fn left(&self) -> u64 {
        self.0.left()
    }

    fn skip(&mut self, count: u64) -> Result<(), DecodeError> {
        self.0.skip(count)
    }

    fn take_room(&mut self, bytes: u64) -> Result<(), DecodeError> {
        let left = self.1.checked_sub(bytes);
        self.1 = left.ok_or_else(|| {
            DecodeError::OtherString(
                "it has more tensors or notes than a file of this length has room for".into(),
            )
        })?;
        Ok(())
    }
}

fn put_checkpoint<E: Encoder>(e: &mut E, checkpoint: &Checkpoint) -> Result<(), EncodeError> {
    checkpoint.architecture.encode(e)?;
    put_tensors(e, &checkpoint.weights)?;
    u8::from(checkpoint.optimizer.is_some()).encode(e)?;
    if let Some(optimizer) = &checkpoint.optimizer {
        optimizer.class_name.encode(e)?;
        optimizer.config.encode(e)?;
        optimizer.iterations.encode(e)?;
        put_tensors(e, &optimizer.slots)?;
    }
    u8::from(checkpoint.position.is_some()).encode(e)?;
    if let Some(position) = &checkpoint.position {
        position.seed.encode(e)?;
        position.epoch.encode(e)?;
        position.batch.encode(e)?;
        position.progress.encode(e)?;
    }
    checkpoint.history.encode(e)?;
    (checkpoint.provenance.len() as u64).encode(e)?;
    for (key, value) in &checkpoint.provenance {
        key.encode(e)?;
        value.encode(e)?;
    }
    Ok(())
}

fn take_checkpoint<D: Decoder<R: Source, Context = ()>>(
    d: &mut D,
    parts: Parts,
) -> Result<Checkpoint, DecodeError> {
    Ok(Checkpoint {
        architecture: text(d)?,
        weights: take_tensors(d, tensor)?,
        optimizer: take_optimizer(d, parts)?,
        position: take_position(d)?,
        history: text(d)?,
        provenance: take_provenance(d)?,
    })
}

fn take_optimizer<D: Decoder<R: Source, Context = ()>>(
    d: &mut D,
    parts: Parts,
) -> Result<Option<OptimizerState>, DecodeError> {
    if !present(d)? {
        return Ok(None);
    }
    let (class_name, config, iterations) = (text(d)?, text(d)?, integer(d)?);
    if parts == Parts::WithoutOptimizer {
        take_tensors(d, skip)?;
        return Ok(None);
    }
    Ok(Some(OptimizerState {
        class_name,
        config,
        iterations,
        slots: take_tensors(d, tensor)?,
    }))
}

fn take_position<D: Decoder<R: Source, Context = ()>>(
    d: &mut D,
) -> Result<Option<Position>, DecodeError> {
    if !present(d)? {
        return Ok(None);
    }
    Ok(Some(Position {
        seed: integer(d)?,
        epoch: integer(d)?,
        batch: integer(d)?,
        progress: text(d)?,
    }))
}

fn take_provenance<D: Decoder<R: Source, Context = ()>>(
    d: &mut D,
) -> Result<BTreeMap<String, String>, DecodeError> {
    let mut provenance = BTreeMap::new();
    for _ in 0..integer(d)? {
        d.reader().take_room(A_NOTE)?;
        let (key, value) = (text(d)?, text(d)?);
        if provenance
            .last_key_value()
            .is_some_and(|(last, _)| *last >= key)
        {
            return Err(DecodeError::OtherString(format!(
                "provenance key {key:?} is out of order"
            )));
        }
        provenance.insert(key, value);
    }
    Ok(provenance)
}

fn put_tensors<E: Encoder>(e: &mut E, tensors: &[(String, Tensor)]) -> Result<(), EncodeError> {
    (tensors.len() as u64).encode(e)?;
    for (name, tensor) in tensors {
        name.encode(e)?;
        F32.encode(e)?;
        (tensor.rank() as u64).encode(e)?;
        for &dimension in tensor.shape() {
            (dimension as u64).encode(e)?;
        }
        (tensor.len() as u64 * 4).encode(e)?;
        let packed = tensor.contiguous();
        let values = packed
            .as_slice()
            .ok_or(EncodeError::Other("a tensor could not be packed"))?;
        // A block at a time on the stack: no second copy of the tensor in memory.
        let mut block = [0; 4096];
        for values in values.chunks(block.len() / 4) {
            for (bytes, value) in block.chunks_exact_mut(4).zip(values) {
                bytes.copy_from_slice(&value.to_le_bytes());
            }
            e.writer().write(&block[..values.len() * 4])?;
        }
    }
    Ok(())
}

/// What is made of a tensor's data: told its shape and length, reads or skips it.
type Take<S, T> = fn(&mut S, &[usize], u64) -> Result<T, DecodeError>;

fn take_tensors<D: Decoder<R: Source, Context = ()>, T>(
    d: &mut D,
    take: Take<D::R, T>,
) -> Result<Vec<(String, T)>, DecodeError> {
    let mut tensors = Vec::new();
    let mut names = HashSet::new();
    for _ in 0..integer(d)? {
        d.reader().take_room(A_TENSOR)?;
        let name = text(d)?;
        if !names.insert(name.clone()) {
            return Err(DecodeError::OtherString(format!(
                "two tensors are named {name:?}"
            )));
        }
        let (shape, bytes) = take_shape(d, &name)?;
        tensors.push((name, take(d.reader(), &shape, bytes)?));
    }
    Ok(tensors)
}

/// The shape of a tensor and the length of its data, which follows; they agree.
fn take_shape<D: Decoder<R: Source, Context = ()>>(
    d: &mut D,
    name: &str,
) -> Result<(Vec<usize>, u64), DecodeError> {
    let wrong = |what: String| DecodeError::OtherString(format!("tensor {name:?}: {what}"));
    let element = u8::decode(d)?;
    if element != F32 {
        return Err(wrong(format!("element type {element} is unknown")));
    }
    let rank = integer(d)?;
    if rank > MAX_RANK as u64 {
        return Err(wrong(format!(
            "it has {rank} dimensions, more than {MAX_RANK}"
        )));
    }
    d.reader().take_room(rank * AN_AXIS)?;
    let mut shape = Vec::new();
    for _ in 0..rank {
        let dimension = integer(d)?;
        shape.push(
            usize::try_from(dimension)
                .map_err(|_| wrong(format!("dimension {dimension} is too large")))?,
        );
    }
    let bytes = length(d)?;
    // Zeros count as ones here: [0, 2⁶³, 2⁶³] is no shape although its product is 0.
    let extent = shape
        .iter()
        .try_fold(4, |n: usize, &dimension| n.checked_mul(dimension.max(1)));
    let wanted = extent.map(|n| if shape.contains(&0) { 0 } else { n as u64 });
    if wanted != Some(bytes) || extent > Some(isize::MAX as usize) {
        d.reader().skip(bytes)?;
        return Err(wrong(format!(
            "shape {shape:?} does not fit {bytes} bytes of data"
        )));
    }
    Ok((shape, bytes))
}

/// Reads a tensor of this shape.
fn tensor<S: Source>(source: &mut S, shape: &[usize], _bytes: u64) -> Result<Tensor, DecodeError> {
    let mut tensor = Tensor::zeros(shape);
    // A block at a time on the stack, where it stays in the cache.
    let mut block = [0; 4096];
    for values in tensor.as_mut_slice().chunks_mut(block.len() / 4) {
        let bytes = &mut block[..values.len() * 4];
        source.read(bytes)?;
        for (value, bytes) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
    }
    Ok(tensor)
}

/// Leaves a tensor's data out.
fn skip<S: Source>(source: &mut S, _shape: &[usize], bytes: u64) -> Result<(), DecodeError> {
    source.skip(bytes)
}

fn text<D: Decoder<R: Source, Context = ()>>(d: &mut D) -> Result<String, DecodeError> {
    let mut bytes = vec![0; length(d)? as usize]; // no longer than what is there
    d.reader().read(&mut bytes)?;
    String::from_utf8(bytes).map_err(|error| DecodeError::Utf8 {
        inner: error.utf8_error(),
    })
}

/// The length of something that follows: so many bytes are there.
fn length<D: Decoder<R: Source, Context = ()>>(d: &mut D) -> Result<u64, DecodeError> {
    let length = integer(d)?;
    d.reader().expect(length)?;
    Ok(length)
}

fn integer<D: Decoder<R: Source, Context = ()>>(d: &mut D) -> Result<u64, DecodeError> {
    u64::decode(d)
}

/// The byte before an optional part.
fn present<D: Decoder<R: Source, Context = ()>>(d: &mut D) -> Result<bool, DecodeError> {
    bool::decode(d)
}

/// Refuses what [`decode`] would refuse.
fn check(checkpoint: &Checkpoint) -> Result<()> {
    let slots = checkpoint.optimizer.as_ref().map_or(&[][..], |o| &o.slots);
    for tensors in [&checkpoint.weights, slots] {
        let mut names = HashSet::new();
        for (name, tensor) in tensors {
            let message = if !names.insert(name) {
                format!("two tensors are named {name:?}")
            } else if tensor.rank() > MAX_RANK {
                format!(
                    "tensor {name:?} has {} dimensions, more than {MAX_RANK}",
                    tensor.rank()
                )
            } else {
                continue;
            };
            return Err(ErrorKind::Invalid { message }.into());
        }
    }
    let tensors = || checkpoint.weights.iter().chain(slots);
    let sum = |of: fn(&(String, Tensor)) -> usize| tensors().map(of).sum::<usize>() as u64;
    let around = sum(|_| 1) * A_TENSOR
        + sum(|(_, tensor)| tensor.rank()) * AN_AXIS
        + checkpoint.provenance.len() as u64 * A_NOTE;
    let held = sum(|(name, tensor)| name.len() + 4 * tensor.len());
    if around > ROOM + held.saturating_mul(ROOM_A_BYTE) {
        let message = format!(
            "{} tensors and {} notes are too many for so little data",
            sum(|_| 1),
            checkpoint.provenance.len()
        );
        return Err(ErrorKind::Invalid { message }.into());
    }
    Ok(())
}

fn malformed(at: u64, message: String) -> Error {
    ErrorKind::Malformed {
        offset: header::LENGTH as u64 + at,
        message,
    }
    .into()
}

/// bincode's errors in words.
fn describe(error: &DecodeError) -> String {
    match error {
        DecodeError::UnexpectedEnd { additional } => {
            format!("the content ends here, but at least {additional} more bytes should follow")
        }
        DecodeError::LimitExceeded => "a length exceeds what a checkpoint may hold".into(),
        DecodeError::Utf8 { inner } => format!("text is not UTF-8: {inner}"),
        DecodeError::InvalidBooleanValue(found) => {
            format!("expected 0 or 1 before an optional part, found {found}")
        }
        DecodeError::InvalidIntegerType { .. } => "an integer is too wide for its field".into(),
        DecodeError::OutsideUsizeRange(length) => {
            format!("a length of {length} does not fit this machine")
        }
        DecodeError::OtherString(message) => message.clone(),
        other => other.to_string(),
    }
}
