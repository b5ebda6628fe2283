from django.apps import AppConfig


class PaymentGatesConfig(AppConfig):
    name = "tests.chaos.payments.gates"
    label = "paymentgates"

    def ready(self) -> None:
        from tests.chaos.payments.gates import boundaries

        boundaries.connect()
