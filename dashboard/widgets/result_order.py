"""The order of results: equally near images by their features, wherever these are at hand."""

from __future__ import annotations

from dashboard import cached
from dashboard.services.search import QueryImage
from pipeline.analysis.opened_run import OpenRun
from pipeline.index.ordering import Ordering, rescored_in_index
from pipeline.index.search import Encoded
from pipeline.stored_features import FeaturesMissing


def by_features(
    opened: OpenRun, query: QueryImage, *, is_within_distance: bool = True
) -> tuple[Ordering | None, str]:
    """What to sort results by, or None and why the codes alone decide.

    Args:
        opened: the run that is searched.
        query: the query; one of the data set has stored features, an upload brings its own.
        is_within_distance: whether only equally near images are sorted.
    """
    try:
        cosine = cached.networks.cosine(opened)
        if isinstance(query.encoded, Encoded):
            features = query.encoded.features
        elif query.row is not None:
            features = cosine.of_row(query.row)
        else:
            return None, "the query is a code without an image"
    except (FeaturesMissing, RuntimeError, OSError) as error:
        if isinstance(query.encoded, Encoded) and not is_within_distance:
            return rescored_in_index(query.encoded.features, str(error)), ""  # it may hold them
        return None, str(error)
    return Ordering(cosine.values(features), is_within_distance, features), ""
