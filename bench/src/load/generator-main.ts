import { Load } from './load.ts'
import type { Work } from './work.ts'

// The load's own process: it takes one piece of work after the other from its parent, and ends with it.
const [, , address = '', run = ''] = process.argv

const load = await Load.open(address, run)
process.on('message', (work: Work) => {
  load.run(work).then(
    (report) => process.send?.({ report }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
process.send?.({ ready: true })
