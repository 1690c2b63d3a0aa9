// A merchant's webhook receiver on loopback: keeps every request with its raw body and answers as it is told.
import { createServer } from "node:http";

export class Receiver {
  /** `answer` is called with the request and its number (from 1), and gives a status code or `{status, headers}`. */
  static async start(answer = () => 200) {
    const receiver = new Receiver();
    receiver.requests = [];
    receiver.answer = answer;
    receiver.server = createServer((request, response) => receiver.take(request, response));
    await new Promise((resolve) => receiver.server.listen(0, "127.0.0.1", resolve));
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}/hook`;
    return receiver;
  }

  take(request, response) {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const kept = { method: request.method, url: request.url, headers: request.headers, body };
      this.requests.push(kept);
      const told = this.answer(kept, this.requests.length);
      const { status, headers } = typeof told === "number" ? { status: told } : told;
      response.writeHead(status, headers).end();
    });
  }

  /** What arrived, parsed, in order of arrival; a repeated event is there once for each attempt. */
  get events() {
    return this.requests.map((request) => JSON.parse(request.body));
  }

  /** Each event once (by id), in order of first arrival. */
  get distinct() {
    return [...new Map(this.events.map((event) => [event.id, event]).reverse()).values()].reverse();
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
