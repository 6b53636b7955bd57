"""Imported by the fork server alone, before it forks: what every process of ours reads to open the object store."""

from __future__ import annotations

import gc

from botocore.loaders import Loader

from messages import blobs

_loader: Loader = blobs._session().get_component("data_loader")
_loader.load_data_with_path("endpoints")
_loader.load_data("_retry")
_loader.load_data("partitions")
_loader.load_data("sdk-default-configuration")
for _kind in ("service-2", "endpoint-rule-set-1"):
    _loader.load_service_model("s3", _kind)
gc.collect()
gc.freeze()  # a collection in a child would copy every page that it shares with its siblings
