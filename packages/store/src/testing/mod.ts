export { JetStreamModel, type ServeOptions } from './jetstream-model.ts'
export { type Fate, ModelLink, type ModelLinkOptions } from './model-link.ts'
export { type ModelMessage, ModelStream } from './model-stream.ts'
export { type SoleReplica, soleReplica } from './sole-replica.ts'
