// A plain HTTP client of the public API: one function for each method, and nothing that knows the server's insides.
import assert from "node:assert/strict";

export class Api {
  constructor(baseUrl, key) {
    this.baseUrl = baseUrl;
    this.key = key;
  }

  /** Any call; the answer's body is parsed when it is JSON. */
  async call(method, path, { body, headers = {}, key = this.key } = {}) {
    const answer = await fetch(new URL(path, this.baseUrl), {
      method,
      redirect: "manual",
      headers: {
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    const isJson = /\bjson\b/.test(answer.headers.get("content-type") ?? "");
    return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  async expect(status, method, path, options) {
    const answer = await this.call(method, path, options);
    assert.equal(answer.status, status, `${method} ${path} answers ${status}, not ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  get(path) {
    return this.expect(200, "GET", path);
  }

  create(path, body, options = {}) {
    return this.expect(201, "POST", path, { body, ...options });
  }

  act(path, body) {
    return this.expect(200, "POST", path, { body });
  }

  /** Every member of a list, oldest first, over all its pages. */
  async all(path) {
    const members = [];
    const joint = path.includes("?") ? "&" : "?";
    for (let cursor = ""; ; ) {
      const page = await this.get(`${path}${joint}limit=100${cursor}`);
      members.push(...page.data);
      if (!page.has_more) return members.reverse();
      cursor = `&starting_after=${page.data.at(-1).id}`;
    }
  }

  /** Every event of the account by sequence, with the head that the server vouches for. */
  async events() {
    const events = [];
    for (;;) {
      const page = await this.get(`/v1/events?after_sequence=${events.at(-1)?.sequence ?? 0}&limit=100`);
      events.push(...page.data);
      if (page.data.length === 0 || events.length >= page.head.sequence) return { events, head: page.head };
    }
  }
}
