// Hot and cold spots in place of densities: which colours mean something. The server works them out when they are asked for.
"use strict";
(function (F) {
  const CLASSES = [
    { verdict: "cold", colour: "#2b6cb0" },
    { verdict: "hot", colour: "#b2182b" },
  ];

  F.HotSpots = class {
    /** `page` answers facts, model, state and refresh(), which is called when an answer has come. */
    constructor(page) {
      this.page = page;
      this.asked = null;
      this.answer = null;
    }

    /** Only a server can work them out, and only for the whole city: every place is compared with all. */
    get offered() {
      const { facts } = this.page;
      return facts.reload && !facts.operation;
    }

    /** What the server is asked for in the state of the page. */
    _query() {
      const { facts, model, state } = this.page;
      const window = model.window(state);
      const query = new URLSearchParams({ level: "cell", from: window.from, to: window.to, f: "json" });
      if (state.choice === "all") facts.onlyCategories.forEach((name) => query.append("category", name));
      else model.members(state.choice).forEach((yes, at) => { if (yes) query.append("category", `${facts.categories[at].kind}:${facts.categories[at].code}`); });
      facts.onlySources.forEach((name) => query.append("source", name));
      if (state.withoutShared) query.append("without_shared", "true");
      return query.toString();
    }

    /** See to it that the answer is that of the state of the page; a later question makes an earlier one void. */
    update() {
      if (!this.page.state.hotspots) return;
      const query = this._query();
      if (query === this.asked) return;
      this.asked = query;
      this.answer = null;
      fetch(new URL(`../hotspots?${query}`, document.baseURI))
        .then((response) => (response.ok ? response.json() : Promise.reject(new Error(String(response.status)))))
        .then((found) => this._take(query, found), () => this._take(query, null));
    }

    _take(query, found) {
      if (query !== this.asked) return;
      this.answer = found ? this._shown(found) : { failed: true };
      this.page.refresh();
    }

    _shown(found) {
      const { cells } = this.page.model;
      const rows = new Map(found.rows.map((row) => [row.code, row]));
      const classOf = Int8Array.from(cells.code, (code) => {
        const verdict = rows.get(code)?.verdict;
        return verdict ? CLASSES.findIndex((one) => one.verdict === verdict) : -2; // none of them: -1, not significant
      });
      return { ...found, rows, picture: { classOf, classes: CLASSES } };
    }

    /** What is drawn instead of densities; null: densities are. */
    get picture() {
      return (this.page.state.hotspots && this.answer?.picture) || null;
    }

    /** Rows of the legend: [colour, label, how many cells]; null: there is no answer. */
    legend(text) {
      if (!this.picture) return null;
      const { total } = this.answer;
      const rows = [[CLASSES[1].colour, text.hot, total.hot], [CLASSES[0].colour, text.cold, total.cold], [F.NO_REPORTS, text.notSignificant, total.not_significant]];
      if (total.not_tested) rows.push([F.NO_AREA, text.notTested, total.not_tested]);
      return rows;
    }

    /** The answer in a sentence, or what became of it. */
    words(text, lang) {
      if (!this.page.state.hotspots) return "";
      if (!this.answer) return text.hotSpotsWait;
      return this.answer.failed ? text.hotSpotsFailed : this.answer[lang === "zh" ? "verdict_zh" : "verdict"];
    }

    /** What is said of one cell; null: nothing. */
    ofCell(at, text) {
      const row = this.picture && this.answer.rows.get(this.page.model.cells.code[at]);
      if (!row) return null;
      const word = { hot: text.hot, cold: text.cold, not_significant: text.notSignificant }[row.verdict] || text.notTested;
      return row.q === null ? word : `${word} (z ${row.z === null ? "–" : row.z.toFixed(2)}, q ${row.q < 0.0001 ? "< 0.0001" : row.q.toFixed(4)})`;
    }
  };
})(window.Finegrid);
