import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'

export interface Metrics {
  /** Where each part of the process registers its own. Labels hold route patterns and names, never anything of a voter. */
  readonly registry: Registry
  readonly contentType: string
  /** What `GET /metrics` answers. */
  text(): Promise<string>
}

/** The metrics of one process: memory, event loop, garbage collection, and which build this is. */
export function createMetrics({ service, version }: { service: string; version: string }): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'urna_build_info',
    help: 'Always 1; the labels say what runs here.',
    labelNames: ['service', 'version'],
    registers: [registry],
  }).set({ service, version }, 1)
  return { registry, contentType: registry.contentType, text: () => registry.metrics() }
}
