import { monotonicMs, type ProbeReport, type ProbeWork } from './work.ts'

/** Who was refused asks again after this. */
const REFUSED_PAUSE_MS = 20

/** Sends one PUBLISH, again each `resendEachMs` until it is answered. */
type Publish = (presentity: number, o: { readonly resendEachMs: number }, done: (status: number) => void) => void

/**
 * Finds out when presentities are served (again): a PUBLISH for each, sent again with the same branch every few
 * milliseconds, and anew when it was refused.
 */
export async function probe(work: ProbeWork, publish: Publish): Promise<ProbeReport> {
  const failures: Record<string, number> = {}
  const endMs = monotonicMs() + work.withinMs
  const one = (presentity: number): Promise<number | null> =>
    new Promise((resolve) => {
      const ask = (): void =>
        publish(presentity, { resendEachMs: work.eachMs }, (status) => {
          if (status === 200) {
            resolve(monotonicMs())
            return
          }
          failures[status] = (failures[status] ?? 0) + 1
          if (monotonicMs() > endMs) resolve(null)
          else setTimeout(ask, REFUSED_PAUSE_MS)
        })
      ask()
    })
  return { answeredMs: await Promise.all(work.presentities.map(one)), failures }
}
