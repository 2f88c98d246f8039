import { BootstrapLoad } from './bootstrap-load.ts'
import type { BootstrapPlace, BootstrapWork } from './bootstrap-work.ts'

// The bootstrapping load's own process: it takes one piece of work after the other from its parent, and ends with it.
const load = new BootstrapLoad(JSON.parse(process.argv[2] ?? '{}') as BootstrapPlace)
process.on('message', (work: BootstrapWork) => {
  load.run(work).then(
    (report) => process.send?.({ report }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
process.send?.({ ready: true })
