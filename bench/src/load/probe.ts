import { monotonicMs, type ProbeReport, type ProbeWork } from './work.ts'

/** Sends one PUBLISH, again each `resendEachMs` until it is answered other than 503. */
type Publish = (presentity: number, o: { readonly resendEachMs: number }, done: (status: number) => void) => void

/**
 * Finds out when presentities are served (again): one PUBLISH for each, sent again with the same branch every few
 * milliseconds. So each of them changes once.
 */
export async function probe(work: ProbeWork, publish: Publish): Promise<ProbeReport> {
  const failures: Record<string, number> = {}
  const one = (presentity: number): Promise<number | null> =>
    new Promise((resolve) => {
      publish(presentity, { resendEachMs: work.eachMs }, (status) => {
        if (status !== 200) failures[status] = (failures[status] ?? 0) + 1
        resolve(status === 200 ? monotonicMs() : null)
      })
    })
  return { answeredMs: await Promise.all(work.presentities.map(one)), failures }
}
