import { execFile } from 'node:child_process'

/** Lines of a tool's complaint that are kept. */
const COMPLAINT_OCTETS_MAX = 400

/** What a tool said, or why it said nothing: `reason` is short enough for a list. */
export type ToolResult =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly reason: string }

/** Runs a program to its end and never throws. */
export function runTool(
  program: string,
  args: readonly string[],
  o: { env?: NodeJS.ProcessEnv; timeoutMs: number },
): Promise<ToolResult> {
  return new Promise((resolve) => {
    execFile(
      program,
      [...args],
      { env: o.env ?? process.env, timeout: o.timeoutMs, encoding: 'utf8', maxBuffer: 4 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (!error) resolve({ ok: true, output: `${stdout}${stderr}` })
        else if (error.code === 'ENOENT') resolve({ ok: false, reason: `${program} is not installed` })
        else if (error.killed) resolve({ ok: false, reason: `${program} took longer than ${o.timeoutMs} ms` })
        else resolve({ ok: false, reason: lastLines(`${stdout}${stderr}`) || error.message })
      },
    )
  })
}

function lastLines(text: string): string {
  return text.trim().slice(-COMPLAINT_OCTETS_MAX).split('\n').slice(-3).join(' / ')
}
