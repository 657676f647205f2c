// The published files of one release: JSON and Parquet beside the page, each read once.
// Here: fetching and decoding. Elsewhere: what the files hold (publish/site/*.py says it).

import { parquetReadObjects } from "../vendor/hyparquet/index.js";

const folder = document.body.dataset.folder;
const known = new Map();

function once(path, read) {
  if (!known.has(path)) {
    const promise = fetch(`${folder}/${path}`).then((answer) => {
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
      return read(answer);
    });
    promise.catch(() => known.delete(path));
    known.set(path, promise);
  }
  return known.get(path);
}

/** A JSON file of the release. */
export const json = (path) => once(path, (answer) => answer.json());

/** The rows of a Parquet file of the release as objects; days are texts like 2026-10-01, whole numbers are numbers. */
export const rows = (path) => once(path, async (answer) => {
  const file = await answer.arrayBuffer();
  const found = await parquetReadObjects({ file });
  return found.map(plain);
});

/** The rows of a file that a release may not have (nothing of its kind was delivered): none. */
export const rowsIf = (listed, path) => (listed ? rows(path) : Promise.resolve([]));

function plain(row) {
  for (const key in row) {
    const value = row[key];
    if (typeof value === "bigint") row[key] = Number(value);
    else if (value === undefined) row[key] = null;
  }
  return row;
}
