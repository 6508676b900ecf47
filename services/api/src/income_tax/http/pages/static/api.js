// Asks the API of the same server; the browser adds the login it has asked for. Amounts go in bodies, never in addresses.

/** The service said what is wrong with the request: `errors`, and `expected` what would be right. */
export class Invalid extends Error {
  constructor(response) {
    super(response.errors.join("; "));
    this.errors = response.errors;
    this.expected = response.expected ?? [];
  }
}

/** No result for another reason: `key` is that of the text which says it, `values` belong into it. */
export class Trouble extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

/** The body is too large for the service, or for what is in front of it. */
class TooLarge extends Trouble {}

async function ask(address, options) {
  let answer, body;
  try {
    answer = await fetch(address, { ...options, headers: { Accept: "application/json", ...options?.headers } });
    body = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("trouble.gone");
  }
  if (answer.ok) return body.response;
  const { status } = answer;
  if (status === 400) throw new Invalid(body.response);
  if (status === 401) throw new Trouble("trouble.login");
  if (status === 429) throw new Trouble("trouble.busy", { seconds: answer.headers.get("Retry-After") ?? "1" });
  if ([502, 503, 504].includes(status)) throw new Trouble("trouble.gone");
  if (status >= 500) throw new Trouble("trouble.failed", { id: body.response.request_id });
  const Kind = status === 413 ? TooLarge : Trouble;
  throw new Kind("trouble.refused", { reason: body.response.errors.join("; ") });
}

function post(content, signal) {
  const headers = { "Content-Type": "application/json" };
  return ask("/", { method: "POST", headers, body: JSON.stringify(content), signal });
}

/** The result of one household, with its steps. */
export async function assess(household, signal) {
  return (await post({ ...household, explain: "yes" }, signal)).result;
}

let fitting = Infinity; // households that are known to fit into a body

/** The results of many households, in their order; at most `most` are asked for at once, fewer where the body must be short. */
export async function assessAll(households, most, signal) {
  const results = [];
  while (results.length < households.length) {
    const piece = households.slice(results.length, results.length + Math.min(most, fitting));
    try {
      // oxlint-disable-next-line no-await-in-loop -- how much the next request holds depends on this one
      results.push(...(await post(piece, signal)).results.map((one) => one.result));
    } catch (error) {
      if (!(error instanceof TooLarge) || piece.length === 1) throw error;
      fitting = Math.ceil(piece.length / 2);
    }
  }
  return results;
}

const schedules = new Map();

/** The figures of an income year, by name: values or brackets, with the texts of law that they come from. */
export async function scheduleOf(year, signal) {
  if (!schedules.has(year)) {
    schedules.set(year, (await ask(`/schedules/${year}`, { signal })).parameters);
  }
  return schedules.get(year);
}
