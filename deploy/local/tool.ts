import { execFile } from 'node:child_process'

/** Lines of a complaint that are told. */
const COMPLAINT_OCTETS_MAX = 800

/**
 * Runs a program to its end and gives what it said.
 *
 * @throws Error with the end of its complaint.
 */
export async function run(program: string, args: readonly string[], o: { timeoutMs: number; env?: NodeJS.ProcessEnv }) {
  return await new Promise<string>((resolve, reject) => {
    const options = {
      timeout: o.timeoutMs,
      encoding: 'utf8',
      maxBuffer: 16 * 1024 * 1024,
      env: o.env ?? process.env,
    } as const
    execFile(program, [...args], options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const words = `${stdout}${stderr}`.trim().slice(-COMPLAINT_OCTETS_MAX) || error.message
      reject(new Error(`${program} ${args.slice(0, 4).join(' ')}: ${words}`, { cause: error }))
    })
  })
}
