# Images, compose and Kubernetes; included by the Makefile at the top.
DEPLOY := Tests/Deploy
.PHONY: image compose-check k8s-render k8s-check k8s-play deploy-clean

image: ## container image cna-bookstore, built with podman
	@$(DEPLOY)/image.sh

compose-check: ## compose under podman: up, the scenario, down (OVERLAYS="tls-sasl.yaml" adds overlays)
	@$(DEPLOY)/compose-check.sh

k8s-render: ## manifests of every overlay in .build/k8s
	@$(DEPLOY)/install.sh static
	@$(DEPLOY)/render.sh .build/k8s

k8s-check: k8s-render ## manifests against two Kubernetes versions' schemas and our own rules; lints of all deployment files
	@$(DEPLOY)/pytest.sh

k8s-play: ## manifests really run with `podman kube play`: the scenario, a deleted pod, clean-up
	@$(DEPLOY)/k8s-play.sh

deploy-clean: ## remove the stand-in images and what the deployment checks installed for themselves; layers stay: podman image prune
	@$(DEPLOY)/stand-ins.sh clean
