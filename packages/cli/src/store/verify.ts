import { systemClock } from '@rollcall/core'
import { StoreBrokenError, type VerifiedContent, verifyStore } from '@rollcall/store'
import type { Invocation } from '../command/command.ts'
import type { Output } from '../output.ts'
import { backupTlsOf, servicesOf, urlOf } from './reach.ts'

/** `rollcall store verify` */
export async function verify(invocation: Invocation): Promise<void> {
  const { output, signal } = invocation
  const { contents, problems } = await verifyStore({
    url: urlOf(invocation),
    clock: systemClock,
    backupTlsOf: backupTlsOf(invocation),
    services: servicesOf(invocation),
    signal,
  })
  tellContents(output, contents)
  if (output.isJson) for (const problem of problems) output.tell(problem, { event: 'store-problem', problem })
  if (problems.length > 0) throw new StoreBrokenError(problems)
  output.remark('all of it is whole')
}

/** A line for each partition and bucket. */
export function tellContents(output: Output, contents: readonly VerifiedContent[]): void {
  for (const { name, records, digest } of contents) {
    output.tell(`${name}: ${records} records`, { event: 'store-content', name, records, digest })
  }
}
