// Calls the API of the same server. The browser adds the credentials. Requests contain amounts only in their bodies.

/** The service rejected the request. `errors` has the error messages. `expected` describes the expected values. */
export class Invalid extends Error {
  constructor(response) {
    super(response.errors.join("; "));
    this.errors = response.errors;
    this.expected = response.expected ?? [];
  }
}

/** A failure other than Invalid. `key` is the key of its message in translations.json. `values` fill the placeholders. */
export class Trouble extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

/** The body is too large for the service or for its proxy. */
class TooLarge extends Trouble {}

// If the address of the page contains a login, relative URLs contain it, too. The function fetch() rejects such URLs.
async function request(address, options) {
  let answer, body;
  try {
    answer = await fetch(new URL(address, location.origin), { ...options, headers: { Accept: "application/json", ...options?.headers } });
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
  throw new Kind("trouble.rejected", { reason: body.response.errors.join("; ") });
}

function post(content, signal) {
  const headers = { "Content-Type": "application/json" };
  return request("/", { method: "POST", headers, body: JSON.stringify(content), signal });
}

/** Return the result of one household, including the steps of the calculation. */
export async function assess(household, signal) {
  return (await post({ ...household, explain: "yes" }, signal)).result;
}

let batchLimit = Infinity; // maximum number of households per body; decreases each time a body is rejected as too large

/**
 * Return the results of many households, in the order of the households. A request contains at most `most` households.
 * If the server rejects a body as too large, later requests contain fewer households.
 */
export async function assessAll(households, most, signal) {
  const results = [];
  while (results.length < households.length) {
    const piece = households.slice(results.length, results.length + Math.min(most, batchLimit));
    try {
      // oxlint-disable-next-line no-await-in-loop -- the size of the next request depends on this response
      results.push(...(await post(piece, signal)).results.map((one) => one.result));
    } catch (error) {
      if (!(error instanceof TooLarge) || piece.length === 1) throw error;
      batchLimit = Math.ceil(piece.length / 2);
    }
  }
  return results;
}

const schedules = new Map();

/** Return an object that maps the name of each tax parameter of the income year to its value and legal references. */
export async function fetchSchedule(year, signal) {
  if (!schedules.has(year)) {
    schedules.set(year, (await request(`/schedules/${year}`, { signal })).parameters);
  }
  return schedules.get(year);
}
