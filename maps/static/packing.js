// Unpacks what maps/packing.py packed: numbers from base64, shapes into flat arrays ready to draw.
"use strict";
window.Finegrid = window.Finegrid || {};
(function (F) {
  const TILE = 256; // pixels of the whole world at zoom 0

  /** Whole numbers: zigzag, seven bits to a byte, lowest first. */
  F.unpackNumbers = function (packed) {
    const bytes = atob(packed);
    const numbers = [];
    let value = 0;
    let unit = 1;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes.charCodeAt(i);
      value += (byte & 127) * unit;
      unit *= 128;
      if (byte < 128) {
        numbers.push(value % 2 ? -(value + 1) / 2 : value / 2);
        value = 0;
        unit = 1;
      }
    }
    return numbers;
  };

  /** Whole numbers of which the differences travelled. */
  F.unpackSteps = function (packed) {
    const numbers = F.unpackNumbers(packed);
    for (let i = 1; i < numbers.length; i++) numbers[i] += numbers[i - 1];
    return numbers;
  };

  /** Pixels at zoom 0 of a longitude and latitude, as Leaflet's EPSG:3857 has them. */
  F.project = function (lon, lat) {
    const sine = Math.sin((lat * Math.PI) / 180);
    return [TILE * (lon / 360 + 0.5), TILE * (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI))];
  };

  /**
   * Polygons or lines as flat arrays.
   *
   * Shape s has the rings (or lines) first[s] .. first[s + 1] - 1, ring r the points start[r] .. start[r + 1] - 1; x, y are
   * pixels at zoom 0; box holds west, north, east, south of each shape in those pixels.
   */
  F.unpackShapes = function (packed, stepsPerDegree) {
    const parts = F.unpackNumbers(packed.parts);
    const points = F.unpackNumbers(packed.points);
    const lon = F.unpackSteps(packed.lon);
    const lat = F.unpackSteps(packed.lat);
    const first = new Int32Array(parts.length + 1);
    parts.forEach((count, s) => { first[s + 1] = first[s] + count; });
    const start = new Int32Array(points.length + 1);
    points.forEach((count, r) => { start[r + 1] = start[r] + count; });
    const x = new Float64Array(lon.length);
    const y = new Float64Array(lon.length);
    for (let i = 0; i < lon.length; i++) [x[i], y[i]] = F.project(lon[i] / stepsPerDegree, lat[i] / stepsPerDegree);
    const box = new Float64Array(parts.length * 4);
    for (let s = 0; s < parts.length; s++) {
      let west = Infinity, north = Infinity, east = -Infinity, south = -Infinity;
      for (let i = start[first[s]]; i < start[first[s + 1]]; i++) {
        if (x[i] < west) west = x[i];
        if (x[i] > east) east = x[i];
        if (y[i] < north) north = y[i];
        if (y[i] > south) south = y[i];
      }
      box.set([west, north, east, south], s * 4);
    }
    const degrees = (i) => [lat[i] / stepsPerDegree, lon[i] / stepsPerDegree];
    return { length: parts.length, first, start, x, y, box, degrees };
  };

  /** Rings or lines of a shape as Leaflet wants them: arrays of [latitude, longitude]. */
  F.latLngs = function (shapes, s) {
    const rings = [];
    for (let r = shapes.first[s]; r < shapes.first[s + 1]; r++) {
      const ring = [];
      for (let i = shapes.start[r]; i < shapes.start[r + 1]; i++) ring.push(shapes.degrees(i));
      rings.push(ring);
    }
    return rings;
  };

  /** First polygon, in the order given, that holds a point; -1 for none. Points on an edge may fall to either side. */
  F.shapeAt = function (shapes, lon, lat, accept = () => true) {
    const [px, py] = F.project(lon, lat);
    const { first, start, x, y, box } = shapes;
    for (let s = 0; s < shapes.length; s++) {
      const b = s * 4;
      if (px < box[b] || px > box[b + 2] || py < box[b + 1] || py > box[b + 3] || !accept(s)) continue;
      let inside = false;
      for (let r = first[s]; r < first[s + 1]; r++) {
        for (let i = start[r], j = start[r + 1] - 1; i < start[r + 1]; j = i++) {
          if (y[i] > py !== y[j] > py && px < ((x[j] - x[i]) * (py - y[i])) / (y[j] - y[i]) + x[i]) inside = !inside;
        }
      }
      if (inside) return s;
    }
    return -1;
  };

  /** Line nearest to a point within `reach` pixels at `zoom`; -1 for none. */
  F.lineNear = function (shapes, lon, lat, zoom, reach) {
    const [px, py] = F.project(lon, lat);
    const { first, start, x, y, box } = shapes;
    let limit = reach / 2 ** zoom;
    let nearest = -1;
    for (let s = 0; s < shapes.length; s++) {
      const b = s * 4;
      if (px < box[b] - limit || px > box[b + 2] + limit || py < box[b + 1] - limit || py > box[b + 3] + limit) continue;
      for (let r = first[s]; r < first[s + 1]; r++) {
        for (let i = start[r] + 1; i < start[r + 1]; i++) {
          const dx = x[i] - x[i - 1], dy = y[i] - y[i - 1];
          const along = ((px - x[i - 1]) * dx + (py - y[i - 1]) * dy) / (dx * dx + dy * dy || 1);
          const t = Math.min(1, Math.max(0, along));
          const distance = Math.hypot(px - x[i - 1] - t * dx, py - y[i - 1] - t * dy);
          if (distance < limit) { limit = distance; nearest = s; }
        }
      }
    }
    return nearest;
  };
})(window.Finegrid);
