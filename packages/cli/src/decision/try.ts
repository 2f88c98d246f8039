import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { UsageError } from '../errors.ts'
import { readInput } from '../ut/input.ts'
import { readName, withPresenceAdmin } from './admin-client.ts'
import { decisionJson, decisionLines, documentLines } from './decision-view.ts'

/** `rollcall try PRESENTITY --as WATCHER` */
export async function tryRules(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [presentity = ''] = options.positionals
  const watcher = options.text('as')
  if (watcher === undefined) throw new UsageError('--as is missing')
  const request = {
    presentity: readName(invocation, presentity),
    watcher: readName(invocation, watcher),
    atMs: BigInt(readTime(options.text('at'), new Date())),
    rules: await readRules(options.text('rules')),
    isAnonymous: options.flag('anonymous'),
  }
  const answer = await withPresenceAdmin(invocation, (client) => callUnary(client.try.bind(client), request))
  const { decision, document } = answer
  if (decision === undefined) return
  const lines = [
    `what ${answer.watcher} would see of ${answer.presentity}`,
    ...decisionLines(decision),
    ...documentLines(document),
  ]
  output.tell(lines.join('\n'), {
    event: 'tried',
    presentity: answer.presentity,
    watcher: answer.watcher,
    decision: decisionJson(decision),
    document: document.toString('utf8'),
  })
}

/**
 * A time of today, or of another day, in the person's own time; 0 for none.
 *
 * @throws UsageError
 */
export function readTime(text: string | undefined, now: Date): number {
  if (text === undefined) return 0
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
  if (hour !== undefined && minute !== undefined) return new Date(now).setHours(Number(hour), Number(minute), 0, 0)
  const epochMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(epochMs)) throw new UsageError(`--at must be HH:MM or YYYY-MM-DDTHH:MM, not '${text}'`)
  return epochMs
}

async function readRules(file: string | undefined): Promise<Buffer> {
  return file === undefined ? Buffer.alloc(0) : await readInput(file)
}
