export { DockerUnobtainableError, obtainDocker } from './docker-server.ts'
export { newPrefix, sweepAfter } from './sweep.ts'
