// Talks with the server. Everything here either answers or throws one of three: Unreachable (try later),
// LoggedOut (somebody must log in), Foreign (somebody else is logged in).
export class Unreachable extends Error {}
export class LoggedOut extends Error {
  constructor(url) {
    super("logged out");
    this.url = url;
  }
}
export class Foreign extends Error {}

const PATIENCE = 15_000;
// The shell is nobody's page and has none.
let token = document.body.dataset.local === undefined ? readToken() : "";

function readToken() {
  try {
    return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
  } catch {
    return "";
  }
}

// A request as the person's own act; what the page asks for by itself says so with `background`.
export async function ask(url, { method = "GET", body, headers = {}, background = false, patience = PATIENCE } = {}) {
  const own = { Accept: "application/json", ...headers };
  if (background) own["X-Background"] = "true";
  if (method !== "GET" && method !== "HEAD") own["X-CSRFToken"] = token;
  if (typeof body === "string") own["Content-Type"] = "application/json";
  let answer;
  let text;
  try {
    answer = await fetch(url, {
      method, body, headers: own, credentials: "same-origin", cache: "no-store", redirect: "manual",
      signal: AbortSignal.timeout(patience),
    });
    // To its end, whatever it is: an answer that nobody reads holds its line, and there are only six.
    text = await answer.text();
  } catch (error) {
    throw new Unreachable(error.message);
  }
  // A captive network answers in the server's place: with its own page, or by sending us away. 423: handed
  // over to a customer, so it waits until the phone is the engineer's again.
  if (answer.type === "opaqueredirect" || answer.status >= 500 || [408, 423, 429].includes(answer.status)) {
    throw new Unreachable(String(answer.status));
  }
  const { ok, status, headers: told } = answer;
  const read = { ok, status, headers: told, json: async () => JSON.parse(text) };
  if (status === 401) throw new LoggedOut((await json(read)).login ?? "/log-in/");
  return read;
}

export async function json(answer) {
  if (!/json/.test(answer.headers.get("Content-Type") ?? "")) throw new Unreachable("not the service desk");
  return answer.json();
}

export async function post(url, content, options = {}) {
  const send = () => ask(url, { method: "POST", body: JSON.stringify(content), ...options });
  if (!token) await ping();
  let answer = await send();
  if (answer.status === 403) {
    const said = await peek(answer);
    if (said.user) throw new Foreign(said.user);
    // A log-in in another tab makes another token.
    await ping();
    answer = await send();
    if (answer.status === 403) {
      const again = await peek(answer);
      if (again.user) throw new Foreign(again.user);
    }
  }
  return answer;
}

export async function patch(url, body, headers) {
  const send = () => ask(url, { method: "PATCH", body, headers, patience: 60_000 });
  if (!token) await ping();
  const answer = await send();
  if (answer.status !== 403) return answer;
  await ping();
  return send();
}

async function peek(answer) {
  try {
    return await answer.json();
  } catch {
    return {};
  }
}

// Am I really online, who is logged in, and what does the server's clock say?
export async function ping() {
  const sent = Date.now();
  const answer = await ask("/phone/ping/", { background: true, patience: 5_000 });
  const said = await json(answer);
  const came = Date.now();
  if (said.csrf) token = said.csrf;
  // Half of the way back is taken off; a slow answer tells too little.
  const offset = came - sent < 4_000 ? Math.round(Date.parse(said.server_time) - (sent + came) / 2) : null;
  return { ...said, offset };
}
