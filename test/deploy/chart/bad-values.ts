/** Values that are mistakes, and what is said of them: the value's name, and what to do. */
export const badValues: readonly { readonly set: readonly string[]; readonly says: RegExp }[] = [
  // The schema.
  { set: ['api.replicas=many'], says: /api[./]replicas.*(integer)/s },
  { set: ['api.replicas=0'], says: /api[./]replicas.*1/s },
  { set: ['api.replicaz=3'], says: /api.*replicaz.*not allowed/s },
  { set: ['service.type=NodePort'], says: /service.*not allowed/s },
  { set: ['loadBalancer.service.type=External'], says: /loadBalancer[./]service[./]type.*ClusterIP.*NodePort.*LoadBalancer/s },
  { set: ['loadBalancer.service.nodePort=80'], says: /nodePort.*30,?000/s },
  { set: ['queue.kind=rabbit'], says: /queue[./]kind.*redis.*sqs/s },
  { set: ['mysql.product=postgres'], says: /mysql[./]product.*mysql.*mariadb/s },
  { set: ['mysql.image.tag='], says: /mysql\.image\.tag: expected the tag of a version/ },
  {
    set: ['api.publicUrl=vote.example.org'],
    says: /api\.publicUrl: expected an address such as https:\/\/vote\.example\.org, or nothing; got "vote\.example\.org"/,
  },
  { set: ['api.resources.limits=null'], says: /limits/ },
  {
    set: ['ingress.enabled=true', 'ingress.hosts.front=https://vote.example.org'],
    says: /ingress\.hosts\.front: expected a name without https/,
  },
  { set: ['image.digest=abc'], says: /image\.digest: expected sha256: and 64 digits/ },
  { set: ['csv.schedule=hourly'], says: /csv\.schedule: expected a cron expression of five parts/ },
  {
    set: ['api.settings.log_level=debug'],
    says: /api\.settings\.log_level: there is no setting of this name/,
  },
  { set: ['api.resources.limits.memory=plenty'], says: /api\.resources\.limits\.memory: expected a quantity such as 250m/ },
  { set: ['redis.maxMemory=1Gi'], says: /redis\.maxMemory: expected a size as Redis writes it, such as 512mb; got "1Gi"/ },
  {
    set: ['mysql.enabled=false', 'mysql.external.host=db.example.org:3306', 'secrets.existing=s'],
    says: /mysql\.external\.host: .*without its port/,
  },
  { set: ['api.allowedOrigins[0]=vote.example.org'], says: /api\.allowedOrigins: expected origins without a path/ },
  { set: ['mysql.user=root'], says: /mysql\.user: root is the administrator.*Choose another name/ },
  // What values have to do with each other.
  { set: ['image.tag=latest'], says: /image\.tag: latest .*Set the tag of a version or a commit/ },
  { set: ['redis.image.tag=latest'], says: /redis\.image\.tag: latest/ },
  { set: ['settings.LOG_LEVLE=debug'], says: /settings\.LOG_LEVLE: there is no setting of this name/ },
  { set: ['settings.ADMIN_PASSWORD=secret-secret'], says: /settings\.ADMIN_PASSWORD: this is a secret.*secrets\.existing/ },
  { set: ['api.settings.DB_HOST=elsewhere'], says: /api\.settings\.DB_HOST: the chart sets this by itself: set mysql\.external\.host/ },
  { set: ['api.settings.BATCH_BALLOTS_MAX=10'], says: /api\.settings\.BATCH_BALLOTS_MAX: api does not read this setting, but consumer/ },
  { set: ['mysql.enabled=false'], says: /mysql\.external\.host: .*Set mysql\.external\.host/ },
  { set: ['mysql.external.host=db.example.org'], says: /mysql\.external\.host: .*Set mysql\.enabled to false/ },
  { set: ['mysql.enabled=false', 'mysql.external.host=db.example.org'], says: /secrets\.existing: .*database-password/ },
  {
    set: ['mysql.enabled=false', 'mysql.external.host=db.example.org', 'secrets.existing=s', 'mysql.external.tls=secret'],
    says: /mysql\.external\.caSecret: .*ca\.crt/,
  },
  { set: ['jobs.replication=false'], says: /jobs\.replication: .*mysql\.replica\.enabled to false/ },
  { set: ['redis.enabled=false'], says: /redis\.external\.host: .*queue\.kind to sqs/ },
  { set: ['redis.external.host=redis.example.org'], says: /redis\.external\.host: .*Set redis\.enabled to false/ },
  { set: ['redis.enabled=false', 'redis.external.host=redis.example.org'], says: /secrets\.existing: .*redis-password/ },
  {
    set: ['redis.enabled=false', 'redis.external.host=redis.example.org', 'secrets.existing=s', 'redis.external.tls=secret'],
    says: /redis\.external\.caSecret: .*ca\.crt/,
  },
  { set: ['queue.kind=sqs'], says: /sqs\.region: .*such as sa-east-1/ },
  { set: ['queue.kind=sqs', 'sqs.region=us-east-1', 'sqs.keysInSecret=true'], says: /secrets\.existing: .*aws-access-key/ },
  {
    set: ['queue.kind=sqs', 'sqs.region=us-east-1', 'sqs.queueKind=standard', 'sqs.queue=v.fifo'],
    says: /sqs\.queue: .*Set sqs\.queueKind to fifo/,
  },
  { set: ['ingress.enabled=true'], says: /ingress\.hosts\.front: .*Set ingress\.hosts\.front/ },
  {
    set: ['ingress.enabled=true', 'ingress.hosts.front=a.org', 'frontend.enabled=false'],
    says: /ingress\.hosts\.front: .*Set frontend\.enabled to true/,
  },
  {
    set: ['ingress.enabled=true', 'ingress.hosts.front=a.org', 'ingress.tls.enabled=true'],
    says: /ingress\.tls\.secretName: .*certificate/,
  },
  {
    set: ['ingress.enabled=true', 'ingress.hosts.front=a.org', 'ingress.hosts.vote=a.org'],
    says: /ingress\.hosts: two of them are the same/,
  },
  { set: ['api.autoscaling.enabled=true', 'api.autoscaling.minReplicas=20'], says: /api\.autoscaling\.maxReplicas: .*at least 20/ },
  { set: ['consumer.autoscaling.enabled=true'], says: /consumer\.autoscaling\.prometheusUrl: .*Set its address/ },
  {
    set: ['monitoring.serviceMonitor.enabled=true', 'monitoring.podMonitor.enabled=true'],
    says: /monitoring\.podMonitor\.enabled: .*Set one of them to false/,
  },
  { set: ['monitoring.podMonitor.enabled=true'], says: /networkPolicy\.metricsFrom: .*namespaceSelector/ },
]
