// Draws cells, roads and borders on canvases that Leaflet moves and zooms.
"use strict";
(function (F) {
  /** A canvas as large as the map; `paint(context, view)` draws it anew whenever the view came to rest. */
  F.Painter = L.Renderer.extend({
    options: { padding: 0.15 },

    initialize(paint, options) {
      L.Renderer.prototype.initialize.call(this, options);
      this._paint = paint;
    },

    _initContainer() {
      this._container = document.createElement("canvas");
      this._container.setAttribute("aria-hidden", "true");
      this._container.style.pointerEvents = "none";
    },

    _destroyContainer() {
      this._container.remove();
      delete this._container;
    },

    _update() {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      L.DomUtil.setPosition(this._container, this._bounds.min);
      const size = this._bounds.getSize();
      this._container.style.width = `${size.x}px`;
      this._container.style.height = `${size.y}px`;
      this.repaint();
    },

    repaint() {
      if (!this._map || !this._bounds) return;
      const sharp = window.devicePixelRatio || 1;
      const size = this._bounds.getSize();
      this._container.width = Math.round(size.x * sharp);
      this._container.height = Math.round(size.y * sharp);
      const context = this._container.getContext("2d");
      context.scale(sharp, sharp);
      const origin = this._map.getPixelOrigin().add(this._bounds.min);
      const scale = 2 ** this._zoom;
      this._paint(context, {
        scale, sharp, x: origin.x, y: origin.y, zoom: this._zoom,
        west: origin.x / scale, north: origin.y / scale,
        east: (origin.x + size.x) / scale, south: (origin.y + size.y) / scale,
      });
    },
  });

  function seen(shapes, s, view) {
    const { box } = shapes;
    const b = s * 4;
    return box[b] <= view.east && box[b + 2] >= view.west && box[b + 1] <= view.south && box[b + 3] >= view.north;
  }

  function trace(context, shapes, s, view, closed) {
    const { first, start, x, y } = shapes;
    for (let r = first[s]; r < first[s + 1]; r++) {
      let i = start[r];
      context.moveTo(x[i] * view.scale - view.x, y[i] * view.scale - view.y);
      for (i++; i < start[r + 1]; i++) context.lineTo(x[i] * view.scale - view.x, y[i] * view.scale - view.y);
      if (closed) context.closePath();
    }
  }

  /** Cells end on whole pixels, so that no background shines through between neighbours; both round alike. */
  function traceSnapped(context, shapes, s, view) {
    const { first, start, x, y } = shapes;
    const { scale, sharp } = view;
    for (let r = first[s]; r < first[s + 1]; r++) {
      for (let i = start[r]; i < start[r + 1]; i++) {
        const px = Math.round((x[i] * scale - view.x) * sharp) / sharp;
        const py = Math.round((y[i] * scale - view.y) * sharp) / sharp;
        if (i === start[r]) context.moveTo(px, py); else context.lineTo(px, py);
      }
      context.closePath();
    }
  }

  /** Land and cells; `picture()` answers {classOf: Int8Array, classes, tiles}. */
  F.cellPainter = function (model, picture, options) {
    const { areas, cells } = model;
    return new F.Painter((context, view) => {
      const { classOf, classes, tiles } = picture();
      if (!tiles) {
        context.fillStyle = "#fcfbf9";
        for (let a = 0; a < areas.code.length; a++) {
          if (areas.parent[a] >= 0 || !seen(areas.shapes, a, view)) continue;
          context.beginPath();
          trace(context, areas.shapes, a, view, true);
          context.fill("evenodd");
        }
      }
      const inView = [];
      for (let c = 0; c < classOf.length; c++) if (seen(cells.shapes, c, view)) inView.push(c);
      const fill = (wanted, colour) => {
        context.fillStyle = colour;
        for (const c of inView) {
          if (classOf[c] !== wanted) continue;
          context.beginPath(); // one path for all would be slow to fill
          traceSnapped(context, cells.shapes, c, view);
          context.fill("evenodd");
        }
      };
      if (!tiles) fill(-1, F.NO_REPORTS);
      fill(-2, F.NO_AREA);
      context.globalAlpha = tiles ? 0.7 : 1;
      classes.forEach((one, k) => fill(k, one.colour));
      context.globalAlpha = 1;
      if (view.zoom >= 14.5) {
        context.strokeStyle = "rgba(60, 50, 40, 0.22)";
        context.lineWidth = 0.6;
        context.beginPath();
        for (const c of inView) trace(context, cells.shapes, c, view, true);
        context.stroke();
      }
    }, options);
  };

  // Class of road: from which zoom, width at zoom 12 and how much wider per zoom, colour.
  const ROADS = {
    back_street: [14, 0.25, 1.35, "rgba(70, 82, 98, 0.38)"],
    branch: [13, 0.35, 1.35, "rgba(70, 82, 98, 0.42)"],
    main: [11, 0.6, 1.3, "rgba(60, 74, 92, 0.48)"],
    trunk: [9, 1.0, 1.3, "rgba(52, 66, 86, 0.55)"],
    ring: [9, 1.3, 1.3, "rgba(52, 66, 86, 0.6)"],
  };
  const BORDERS = {
    community: [14, 0.5, "rgba(60, 60, 90, 0.45)", [2, 3]],
    street: [11, 0.8, "rgba(50, 50, 90, 0.55)", [5, 3]],
    district: [0, 1.8, "rgba(40, 40, 70, 0.8)", []],
  };

  /** Roads and borders of areas. */
  F.linePainter = function (model, picture, options) {
    const { areas, segments } = model;
    const byClass = new Map(Object.keys(ROADS).map((name) => [name, []]));
    segments.class.forEach((name, s) => byClass.get(name).push(s));
    return new F.Painter((context, view) => {
      context.lineJoin = context.lineCap = "round";
      for (const [name, [from, width, growth, colour]] of Object.entries(ROADS)) {
        if (view.zoom < from || !picture().roads) continue;
        context.strokeStyle = colour;
        context.lineWidth = Math.min(8, width * growth ** (view.zoom - 12));
        context.beginPath();
        for (const s of byClass.get(name)) {
          if (seen(segments.shapes, s, view)) trace(context, segments.shapes, s, view, false);
        }
        context.stroke();
      }
      for (const [level, [from, width, colour, dash]] of Object.entries(BORDERS)) {
        if (view.zoom < from) continue;
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.setLineDash(dash);
        context.beginPath();
        areas.level.forEach((of, a) => {
          if (of === level && seen(areas.shapes, a, view)) trace(context, areas.shapes, a, view, true);
        });
        context.stroke();
      }
    }, options);
  };

  // Level of area: from which zoom its name is written.
  const NAMES = { district: 9, street: 12, community: 14.5 };

  /** Names of areas, larger ones first, none over another. */
  F.NameLayer = L.Layer.extend({
    initialize(model, textOf, options) {
      L.setOptions(this, options);
      this._areas = model.areas;
      this._textOf = textOf;
      const levels = Object.keys(NAMES);
      this._order = this._areas.code.map((_, at) => at).sort(
        (a, b) => levels.indexOf(this._areas.level[a]) - levels.indexOf(this._areas.level[b]) || this._areas.km2[b] - this._areas.km2[a],
      );
    },

    onAdd() {
      this._box = L.DomUtil.create("div", "fg-names leaflet-zoom-hide", this.getPane());
      this._box.setAttribute("aria-hidden", "true");
      this.repaint();
    },

    onRemove() { this._box.remove(); },

    getEvents() { return { moveend: this.repaint, viewreset: this.repaint }; },

    repaint() {
      const map = this._map;
      if (!map) return;
      const taken = [];
      const zoom = map.getZoom();
      const size = map.getSize();
      const elements = [];
      for (const at of this._order) {
        const level = this._areas.level[at];
        const only = level === "district" && !this._areas.level.includes("street");
        if (zoom < NAMES[level] || (level === "district" && zoom > 14 && !only)) continue;
        const [lon, lat] = this._areas.inside[at];
        const point = map.latLngToContainerPoint([lat, lon]);
        const text = this._textOf(at);
        const em = level === "district" ? 14 : level === "street" ? 12 : 11;
        const width = [...text].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 255 ? em : em * 0.56), 6);
        const box = [point.x - width / 2, point.y - em * 0.8, point.x + width / 2, point.y + em * 0.8];
        if (box[2] < 0 || box[3] < 0 || box[0] > size.x || box[1] > size.y) continue;
        if (taken.some((b) => box[0] < b[2] && box[2] > b[0] && box[1] < b[3] && box[3] > b[1])) continue;
        taken.push(box);
        const element = document.createElement("span");
        element.className = `fg-name fg-name-${level}`;
        element.textContent = text;
        L.DomUtil.setPosition(element, map.containerPointToLayerPoint(point).round());
        elements.push(element);
      }
      this._box.replaceChildren(...elements);
    },
  });
})(window.Finegrid);
