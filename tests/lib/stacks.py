ENV = {"STACK_NAME": "cust-9f2c1a_ci_test", "DOMAIN": "cust-9f2c1a.ci.test", "TAG": "1.28", "EMPTY": "", "REPLICAS": "3", "YES": "yes"}
def make(chance):
    return ["services: {}\n"]
