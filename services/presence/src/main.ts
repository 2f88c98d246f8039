import { runService } from '@rollcall/runtime'
import { createPresenceService, presenceShape } from './service.ts'

await runService({ name: 'presence', shape: presenceShape, create: createPresenceService })
