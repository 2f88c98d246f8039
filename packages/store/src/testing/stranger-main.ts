import { once } from 'node:events'
import { systemClock } from '@rollcall/core'
import { connectStore } from '../connection.ts'
import { FencedError } from '../errors.ts'
import { openLogs } from './store-client.ts'
import type { StrangerOrder, StrangerReport } from './stranger-process.ts'

const WORKERS = 8

/** The child of `StrangerProcess`. */
const [order] = (await once(process, 'message')) as [StrangerOrder]
const { url, tls, partition } = order
const connection = await connectStore({ url, tls, service: 'presence', clock: systemClock })
const owned = await (await openLogs(connection)).take(partition, () => {})
await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)))
tell({ kind: 'fenced' })
await connection.close()
process.disconnect?.()

async function work(worker: number): Promise<void> {
  for (let n = 0; ; n += 1) {
    const text = `${process.pid}.${worker}.${n}`
    try {
      const { sequence, epoch } = await owned.append(Buffer.from(text))
      tell({ kind: 'acknowledged', text, sequence: String(sequence), epoch: String(epoch) })
    } catch (error) {
      if (error instanceof FencedError) return
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}

function tell(report: StrangerReport): void {
  process.send?.(report)
}
