# Everything a person does here, by name. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help start job cluster dev test test-quick test-servers test-failure test-outages test-failover test-chart chart-docs manifests images \
	test-images smoke-compose smoke-variants check format bench bench-live bench-counting bench-cache bench-path test-deploy test-services \
	audit sbom pictures docs screenshots clean

RUN := ./scripts/with-node
INSTALLED := .cache/installed
PAGES := apps/frontend/dist/index.html
PAGE_SOURCES := $(shell find apps/frontend packages/contracts/src -type f -not -path '*/dist/*' -not -path '*/node_modules/*' 2>/dev/null)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

start: $(INSTALLED) $(PAGES) ## run Urna on this machine: http://localhost:8080 (PORT=9090 for another port)
	@NODE_ENV=$${NODE_ENV:-production} exec $(RUN) node apps/standalone/src/main.ts

job: $(INSTALLED) ## a job on the data of make start, or on the servers in the environment: DO=recount, "reset-password admin", "plan ..."
	@exec $(RUN) node apps/jobs/src/main.ts $(DO)

cluster: $(INSTALLED) $(PAGES) ## all processes with real servers on this machine, to watch; see docs/cluster.md
	@exec $(RUN) node scripts/cluster.ts $(DO)

dev: $(INSTALLED) ## run it with reload at every change: pages on http://localhost:8000, api on 8080
	@exec $(RUN) node scripts/dev.ts

test: $(INSTALLED) $(PAGES) ## all tests; those on servers say SKIPPED where a server is not installed
	@TESTS=all $(RUN) node scripts/run-tests.ts

test-quick: $(INSTALLED) $(PAGES) ## all tests but those on servers
	@TESTS=quick $(RUN) node scripts/run-tests.ts

test-servers: $(INSTALLED) $(PAGES) ## adapters and processes on MariaDB, MySQL 9 (SERVER_ROOT), Redis, SQS emulator: which suite passed on which
	@TESTS=servers $(RUN) node scripts/run-tests.ts

test-failure: $(INSTALLED) ## kill the process under load, again and again, and count the ballots (ROUNDS=20 ROUNDS_A_POINT=10)
	@$(RUN) node test/failure/kill.ts $(or $(ROUNDS),20) $(or $(ROUNDS_A_POINT),10)

test-outages: $(INSTALLED) ## take servers away from a cluster while people vote: SECONDS_AWAY=30, QUEUE_SECONDS_AWAY=10, ROUNDS="'queue wiped'"
	@$(RUN) node test/failure/outages.ts $(ROUNDS)

test-failover: $(INSTALLED) ## kill the primary under load, promote a replica that is behind, count the ballots (ROUNDS=20 PRODUCT=)
	@$(RUN) node test/failure/failover.ts $(or $(ROUNDS),20) "$(PRODUCT)" "$(KIND)"

test-chart: $(INSTALLED) ## the Helm chart rendered by Helm 3 and 4 (fetched once), and all that can be known of its objects without a cluster
	@$(RUN) tsc -b
	@$(RUN) node test/deploy/chart.ts

chart-docs: $(INSTALLED) ## write the chart's README and the settings it knows, from its values and the table of settings
	@$(RUN) node scripts/write-chart-docs.ts

manifests: $(INSTALLED) ## render the chart into deploy/kubernetes/urna.yaml, for kubectl apply
	@$(RUN) node test/deploy/write-manifests.ts

images: ## build both container images; URNA_IMAGE, URNA_FRONTEND_IMAGE, API_URL
	@./deploy/docker/build

test-images: $(INSTALLED) ## build them and run them: who they are, what is in them, how they start, stop and recover (PARTS="contents pages")
	@$(RUN) node test/deploy/images.ts $(PARTS)

smoke-compose: $(INSTALLED) ## the Compose cluster from nothing: votes while api, consumer and primary are killed, every receipt asked (DATABASE=mariadb)
	@$(RUN) node test/deploy/smoke-compose.ts

smoke-variants: $(INSTALLED) ## the other Compose files from nothing: one container, https, SQS, networks of somebody else
	@$(RUN) node test/deploy/smoke-variants.ts

check: $(INSTALLED) ## format, lint, types, import rule
	@$(RUN) biome check .
	@$(RUN) tsc -b
	@$(RUN) vitest run test/structure --reporter=dot

format: $(INSTALLED) ## format all files
	@$(RUN) biome check --write .

bench: $(INSTALLED) ## the ballot route against a bare HTTP server (needs wrk)
	@$(RUN) tsc -b
	@$(RUN) node test/load/bench.ts

bench-live: $(INSTALLED) ## open result pages while ballots arrive: how old is what they show, what do they cost
	@$(RUN) tsc -b
	@$(RUN) node test/load/live-readers.ts

bench-counting: $(INSTALLED) ## four consumers against counting one by one, on MariaDB and MySQL (SERVER_ROOT): ratio, deadlocks, every number
	@$(RUN) tsc -b
	@$(RUN) node test/load/counting.ts

bench-cache: $(INSTALLED) ## results read through each layer of caches against none, while ballots are counted: what it saves, how old it is
	@$(RUN) tsc -b
	@$(RUN) node test/load/results-cache.ts

bench-path: $(INSTALLED) ## what one ballot costs each part of its way in a cluster: processor, disk, network, memory
	@$(RUN) tsc -b
	@$(RUN) node test/load/path.ts

test-deploy: $(INSTALLED) ## what deploys, by its own tools: YAML, shell, nginx, Compose, both pipelines (PIPELINE_JOBS="test-services")
	@$(RUN) node test/deploy/files.ts

test-services: $(INSTALLED) ## the built processes on a database and a Redis that are there: DB_HOST= DB_USER= DB_PASSWORD= REDIS_HOST=
	@$(RUN) tsc -b
	@$(RUN) node test/deploy/services.ts

audit: $(INSTALLED) ## ask the registry for known faults of the packages that run in production
	@$(RUN) npm audit --omit=dev --audit-level=high

sbom: $(INSTALLED) ## write which packages run in production, as CycloneDX: SBOM=.cache/sbom.cdx.json
	@$(RUN) npm sbom --omit=dev --sbom-format=cyclonedx --sbom-type=application >"$(or $(SBOM),.cache/sbom.cdx.json)"

pictures: $(INSTALLED) ## draw the pictures in docs/pictures from their texts
	@$(RUN) node scripts/pictures.ts

docs: $(INSTALLED) ## write what is made of code: settings, permissions, Postman collection
	@$(RUN) node packages/runtime/src/write-configuration-docs.ts
	@$(RUN) node scripts/write-api-docs.ts

screenshots: $(INSTALLED) $(PAGES) ## photograph every page into docs/screenshots (needs Chromium)
	@$(RUN) node scripts/screenshots.ts

clean: ## remove what was built and installed (never your data)
	rm -rf node_modules apps/*/node_modules packages/*/node_modules apps/*/dist packages/*/dist .cache coverage

$(INSTALLED): package-lock.json package.json $(wildcard packages/*/package.json apps/*/package.json)
	@echo "Installing packages (once)" >&2
	@$(RUN) npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
	@mkdir -p .cache && touch $@

$(PAGES): $(INSTALLED) $(PAGE_SOURCES)
	@$(RUN) npm run build --silent -w @urna/frontend -- --logLevel warn
	@touch $@
