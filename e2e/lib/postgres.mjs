// A database of its own on a PostgreSQL server that is already there (HANDSEL_TEST_PG), dropped after the test.
import { randomBytes } from "node:crypto";
import { mustRun } from "./process.mjs";

const DEFAULT_SERVER = "postgres://postgres@127.0.0.1:5432";

export async function throwawayDatabase() {
  const server = process.env.HANDSEL_TEST_PG ?? DEFAULT_SERVER;
  const name = `handsel_e2e_${randomBytes(8).toString("hex")}`;
  const sql = (text) => mustRun("psql", ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", `${server}/postgres`, "--command", text]);
  await sql(`CREATE DATABASE ${name}`);
  return { url: `${server}/${name}`, drop: () => sql(`DROP DATABASE ${name} WITH (FORCE)`) };
}
