import { UtLoad } from './ut-load.ts'
import type { UtPlace, UtWork } from './ut-work.ts'

// The load of Ut in a process of its own: it takes one piece of work after the other from its parent, and ends with it.
const load = new UtLoad(JSON.parse(process.argv[2] ?? '{}') as UtPlace)
process.on('message', (work: UtWork) => {
  load.run(work).then(
    (report) => process.send?.({ report }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
process.send?.({ ready: true })
