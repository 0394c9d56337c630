"""The matrix that a model is fitted on: checked, and sampled; nothing here knows Odoo."""
from collections.abc import Sequence

import numpy as np


def checked_features(features, feature_names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return features as a matrix of floats, a row for each case, and the names of its columns.

    :param features: what numpy reads as numbers, of shape (rows, columns)
    :param feature_names: one for each column, all different
    :raise ValueError: another shape, as many names as columns are not there, or a value is missing or infinite
    """
    names = tuple(map(str, feature_names))
    matrix = np.asarray(features)
    if matrix.dtype != np.float32:
        matrix = matrix.astype(np.float64, copy=False)
    if matrix.ndim != 2:
        raise ValueError(f"features must have two dimensions (rows, columns), not {matrix.ndim}.")
    if matrix.shape[1] != len(names) or not names:
        raise ValueError(f"There are {matrix.shape[1]} columns of features and {len(names)} names.")
    if len(set(names)) != len(names):
        raise ValueError(f"The names of features must differ: {', '.join(names)}.")
    finite = np.isfinite(matrix)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ValueError(f"{names[column]} is {matrix[row, column]} in row {row}: every value must be a finite number.")
    return matrix, names


def stratified_sample(classes: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the positions of at most about ``size`` rows, in order; each class keeps its share, and at least a row.

    :param classes: whole numbers from 0, of shape (rows,)
    """
    if len(classes) <= size:
        return np.arange(len(classes))
    chosen = []
    for label in np.flatnonzero(np.bincount(classes)):
        members = np.flatnonzero(classes == label)
        wanted = max(1, round(size * len(members) / len(classes)))
        chosen.append(rng.choice(members, wanted, replace=False))
    return np.sort(np.concatenate(chosen))
