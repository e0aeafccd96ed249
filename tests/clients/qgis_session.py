"""What a planner does in QGIS, without its windows; run by the Python that QGIS is installed for, prints JSON.

`python3 qgis_session.py ADDRESS WEST SOUTH EAST NORTH PICTURE`: the box is a view on the map.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.parse import quote

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize


def layer(address: str, name: str, more: str = "") -> QgsVectorLayer:
    found = QgsVectorLayer(f"url='{address}/' typename='{name}' {more}", name, "OAPIF")
    assert found.isValid(), found.error().summary()
    return found


def codes(found: QgsVectorLayer, request: QgsFeatureRequest | None = None) -> list[str]:
    return sorted(feature["code"] for feature in found.getFeatures(request or QgsFeatureRequest()))


def seen(address: str, view: QgsRectangle, picture: str) -> dict[str, object]:
    """Draw vector tiles as they come."""
    source = "type=xyz&zmin=0&zmax=16&url=" + quote(f"{address}/tiles/density-cells/{{z}}/{{x}}/{{y}}.mvt", safe="/:")
    tiles = QgsVectorTileLayer(source, "tiles")
    mercator = QgsCoordinateReferenceSystem("EPSG:3857")
    turned = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:4326"), mercator, QgsProject.instance())
    shown = QgsMapSettings()
    shown.setLayers([tiles])
    shown.setDestinationCrs(mercator)
    shown.setExtent(turned.transformBoundingBox(view))
    shown.setOutputSize(QSize(400, 300))
    job = QgsMapRendererParallelJob(shown)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(picture)
    colours = {image.pixel(x, y) for x in range(0, image.width(), 4) for y in range(0, image.height(), 4)}
    return {"valid": tiles.isValid(), "crs": tiles.crs().authid(), "colours": len(colours)}


def session(address: str, view: QgsRectangle, picture: str) -> dict[str, object]:
    whole = layer(address, "density-cells", "pageSize='20'")
    filtered = layer(address, "cells")
    assert filtered.setSubsetString("\"tier\" = 'key'")
    boxed = layer(address, "cells", "restrictToRequestBBOX='1'")
    asked = QgsFeatureRequest().setFilterExpression('"tier" = \'general\' AND "area_km2" > 0.001')
    return {
        "version": Qgis.QGIS_VERSION_INT,
        "crs": whole.crs().authid(),
        "count": whole.featureCount(),
        "fields": {field.name(): field.typeName() for field in whole.fields()},
        "per_km2": {feature["code"]: feature["per_km2"] for feature in whole.getFeatures()},
        "subset": codes(filtered),
        "box": codes(boxed, QgsFeatureRequest(view)),
        "expression": codes(layer(address, "cells"), asked),
        "tiles": seen(address, view, picture),
    }


if __name__ == "__main__":
    address, *sides, picture = sys.argv[1:]
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], True)
    application.initQgis()
    found = session(address, QgsRectangle(*map(float, sides)), picture)
    Path(f"{picture}.json").write_text(json.dumps(found), encoding="utf-8")
    # QGIS may crash while it is taken down; what was seen is written by then.
    os._exit(0)
