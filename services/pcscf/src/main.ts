import { runService } from '@rollcall/runtime'
import { pcscfShape } from './config.ts'
import { createPcscfService } from './service.ts'

await runService({ name: 'pcscf', shape: pcscfShape, create: createPcscfService })
